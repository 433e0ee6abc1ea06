import { parseMicros } from '../model/micros.ts'
import { isPackageContainer } from '../stix/package-claims.ts'
import type { IsContainer, XmlPart, XmlPartSource } from '../xml/parts.ts'
import { type XmlElement, XmlError, XmlLimitExceeded } from '../xml/read.ts'
import { type RequestedBinding, taxiiNamespace } from './messages.ts'
import { badMessage, TaxiiRefusal } from './refusal.ts'
import { readAttributes, text } from './sequence.ts'
import { taxii10Namespace } from './taxii10/identifiers.ts'

/** How one version of TAXII lays out an Inbox_Message. */
export interface InboxLayout {
  readonly namespace: string
  /** attributes of the message beside message_id */
  readonly attributes: readonly string[]
  /** the elements of the message before its blocks, in order; each at most once but those with `many` */
  readonly head: readonly Slot[]
  /** the elements of a Content_Block before and behind its Content */
  readonly block: readonly Slot[]
}

interface Slot {
  readonly name: string
  readonly many?: boolean
  readonly required?: boolean
  /** @throws TaxiiRefusal BAD_MESSAGE for what the schema does not allow in it */
  readonly check?: (element: XmlElement) => void
}

/** An Inbox_Message while it is being read. */
export interface InboxReading {
  /** collections, as they were named; none where the version has none */
  readonly destinations: readonly string[]
  /** each is to be read to its end before the next is asked for */
  readonly blocks: AsyncIterable<InboxBlockReading>
}

export interface InboxBlockReading {
  /** from 1 */
  readonly number: number
  readonly binding: RequestedBinding
  /** what stands in its Content */
  readonly content: XmlPartSource
}

function checkLabel(element: XmlElement): void {
  const label = text(element).trim()
  if (parseMicros(label) !== undefined) return
  throw badMessage(
    `Timestamp_Label is YYYY-MM-DDThh:mm:ss with at most 6 fractional digits and a zone, not "${label}"`,
  )
}

function checkRecordCount(element: XmlElement): void {
  const count = text(element).trim()
  if (!/^\+?\d{1,18}$/.test(count)) throw badMessage(`Record_Count is a number, not "${count}"`)
}

/** XML message binding 1.1, section 4.1.12: Inbox_Message. */
export const inboxLayout11: InboxLayout = {
  namespace: taxiiNamespace,
  attributes: ['result_id'],
  head: [
    { name: 'Destination_Collection_Name', many: true, check: (one) => void text(one) },
    { name: 'Message', check: (one) => void text(one) },
    { name: 'Source_Subscription' },
    { name: 'Record_Count', check: checkRecordCount },
  ],
  block: [
    { name: 'Content_Binding', required: true },
    { name: 'Content', required: true },
    { name: 'Timestamp_Label', check: checkLabel },
    { name: 'Message', check: (one) => void text(one) },
    { name: 'Padding' },
  ],
}

/** XML message binding 1.0: Inbox_Message, which names no destination. */
export const inboxLayout10: InboxLayout = {
  namespace: taxii10Namespace,
  attributes: [],
  head: [{ name: 'Message', check: (one) => void text(one) }, { name: 'Source_Subscription' }],
  block: [
    { name: 'Content_Binding', required: true },
    { name: 'Content', required: true },
    { name: 'Timestamp_Label', check: checkLabel },
    { name: 'Padding' },
  ],
}

/** Which elements of an Inbox_Message of any version are read child by child. */
export const isInboxContainer: IsContainer = (element, within) => {
  const root = within[0]
  if (root?.name !== 'Inbox_Message') return false
  if (within.length > 2) return isPackageContainer(element, within.slice(3))
  if (element.namespace !== root.namespace) return false
  return element.name === (within.length === 1 ? 'Content_Block' : 'Content')
}

/**
 * Reads an Inbox_Message as strictly as its schema, block by block as it arrives.
 * @param parts behind the root's start tag, divided as `isInboxContainer` does
 * @throws TaxiiRefusal BAD_MESSAGE and what `parts` throws; so do the iterables of the result. What is wrong
 *   within a block is told with the block's number and the line.
 */
export async function readInboxMessage(
  root: XmlElement,
  parts: XmlPartSource,
  layout: InboxLayout,
  toContentBinding: ToContentBinding,
): Promise<InboxReading> {
  readAttributes(root, ['message_id'], layout.attributes as never[])
  const head = createOrder('Inbox_Message', layout, [
    { name: 'Extended_Headers' },
    ...layout.head,
    { name: 'Content_Block', many: true },
    { name: 'Signature' },
  ])
  const destinations: string[] = []
  let part = await parts.next()
  for (; part && part.kind !== 'open'; part = await parts.next()) {
    if (part.kind === 'text') refuseText(part.text, 'Inbox_Message')
    if (part.kind !== 'child') continue
    head.take(part.element)
    if (part.element.name === 'Destination_Collection_Name') {
      destinations.push(text(part.element).trim())
    }
  }
  const first = part
  return { destinations, blocks: readBlocks(first, parts, head, { ...layout, toContentBinding }) }
}

async function* readBlocks(
  first: XmlPart | undefined,
  parts: XmlPartSource,
  head: Order,
  layout: BlockLayout,
): AsyncGenerator<InboxBlockReading> {
  let number = 0
  for (let part = first; part; part = parts.take() ?? (await parts.next())) {
    if (part.kind === 'text') refuseText(part.text, 'Inbox_Message')
    if (part.kind === 'child') head.take(part.element)
    if (part.kind !== 'open') continue
    head.take(part.element)
    number += 1
    try {
      yield* readBlock(number, parts, layout)
    } catch (error) {
      throw tellBlock(error, number)
    }
  }
}

const sendSmaller =
  'send a package as elements and not as text, and split what is large into several packages'

/** @returns the error; one of what was sent with the number of its block in it */
export function tellBlock(error: unknown, number: number): unknown {
  const place = `content block ${number}`
  if (error instanceof XmlError) {
    const { message, line, column, root } = error
    const reason = message.replace(/^line \d+, column \d+: /, '')
    if (reason.startsWith(place)) return error
    if (error instanceof XmlLimitExceeded) {
      const told = `${place}: ${reason}; ${sendSmaller}`
      return new XmlLimitExceeded(told, line, column, root)
    }
    return new XmlError(`${place}: ${reason}`, line, column, root)
  }
  if (error instanceof TaxiiRefusal && !error.message.startsWith(place)) {
    const { statusType, message, details, httpStatus } = error
    return new TaxiiRefusal(statusType, `${place}: ${message}`, details, httpStatus)
  }
  return error
}

async function* readBlock(
  number: number,
  parts: XmlPartSource,
  layout: BlockLayout,
): AsyncGenerator<InboxBlockReading> {
  const order = createOrder('Content_Block', layout, [...layout.block, { name: 'Signature' }])
  let binding: RequestedBinding | undefined
  for (;;) {
    const part = parts.take() ?? (await parts.next())
    if (!part) return
    if (part.kind === 'text') refuseText(part.text, 'Content_Block')
    if (part.kind === 'close') {
      order.end()
      return
    }
    if (part.kind === 'child') {
      order.take(part.element)
      if (part.element.name === 'Content_Binding') binding = layout.toContentBinding(part.element)
    }
    if (part.kind === 'open') {
      order.take(part.element)
      // `order` has seen the Content_Binding, which comes first.
      yield { number, binding: binding as RequestedBinding, content: contentOf(parts) }
    }
  }
}

/** The parts up to and without the end tag that closes what they stand in. */
function contentOf(parts: XmlPartSource): XmlPartSource {
  let depth = 0
  const within = (part: XmlPart | undefined): XmlPart | undefined => {
    if (part?.kind === 'open') depth += 1
    if (part?.kind === 'close') depth -= 1
    return depth < 0 ? undefined : part
  }
  return {
    take: () => (depth < 0 ? undefined : within(parts.take())),
    next: async () => (depth < 0 ? undefined : within(parts.take() ?? (await parts.next()))),
  }
}

type ToContentBinding = (element: XmlElement) => RequestedBinding
type BlockLayout = InboxLayout & { readonly toContentBinding: ToContentBinding }

interface Order {
  /** @throws TaxiiRefusal BAD_MESSAGE for what has no place here */
  take(element: XmlElement): void
  /** @throws TaxiiRefusal BAD_MESSAGE for what is missing */
  end(): void
}

const signatureNamespace = 'http://www.w3.org/2000/09/xmldsig#'

/** Holds elements to the order of a schema as they come. */
function createOrder(parent: string, { namespace }: InboxLayout, slots: readonly Slot[]): Order {
  let next = 0
  const skipTo = (end: number) => {
    for (; next < end; next += 1) {
      const slot = slots[next] as Slot
      if (slot.required) throw badMessage(`${parent} has no ${slot.name} where one is needed`)
    }
  }
  return {
    take(element) {
      const { name } = element
      const place = slots.findIndex((slot, at) => at >= next && slot.name === name)
      const expected = name === 'Signature' ? signatureNamespace : namespace
      if (place < 0 || element.namespace !== expected) {
        throw badMessage(`"${name}" is unknown or out of its order in ${parent}`)
      }
      skipTo(place)
      const slot = slots[place] as Slot
      slot.check?.(element)
      next = slot.many ? place : place + 1
    },
    end: () => skipTo(slots.length),
  }
}

function refuseText(piece: string, parent: string): void {
  if (piece.trim() !== '') throw badMessage(`${parent} has text between its elements`)
}
