import { type Micros, parseMicros } from '../../model/micros.ts'
import { findAttribute, type XmlElement, XmlError } from '../../xml/read.ts'
import { readXmlStream, type XmlStreamLimits } from '../../xml/stream.ts'
import { taxiiNamespace } from '../messages.ts'
import type { ReceivedBlock } from './block.ts'
import { PollFault } from './fault.ts'
import { cutText } from './server-text.ts'

/** Everything of a Poll_Response but its blocks. */
export interface PollAnswer {
  readonly type: 'Poll_Response'
  readonly inResponseTo: string | undefined
  readonly collection: string | undefined
  /** as it was written */
  readonly more: string | undefined
  readonly resultId: string | undefined
  /** as it was written */
  readonly part: string | undefined
  readonly begin: WrittenMoment | undefined
  readonly end: WrittenMoment | undefined
  /** as it was written; undefined also where it says that it is not of all */
  readonly recordCount: string | undefined
  readonly message: string | undefined
  readonly blocks: number
}

export interface WrittenMoment {
  readonly text: string
  /** undefined where the text is no timestamp of TAXII */
  readonly moment: Micros | undefined
}

export interface StatusAnswer {
  readonly type: 'Status_Message'
  /** like the others here for people to read, and cut */
  readonly statusType: string
  /** '' where there is none */
  readonly message: string
  /** the first few; `NAME=value` */
  readonly details: readonly string[]
}

export interface AdvertisedService {
  readonly address: string
  readonly protocolBinding: string
  readonly messageBindings: readonly string[]
}

export interface AdvertisedInstance extends AdvertisedService {
  readonly serviceType: string
  readonly available: boolean
}

export interface AdvertisedCollection {
  readonly name: string
  /** DATA_FEED where it is not said */
  readonly collectionType: string
  readonly available: boolean
  readonly contentBindings: readonly string[]
  readonly pollingServices: readonly AdvertisedService[]
}

export interface DiscoveryAnswer {
  readonly type: 'Discovery_Response'
  readonly inResponseTo: string | undefined
  readonly instances: readonly AdvertisedInstance[]
}

export interface CollectionsAnswer {
  readonly type: 'Collection_Information_Response'
  readonly inResponseTo: string | undefined
  readonly collections: readonly AdvertisedCollection[]
}

export type Answer = PollAnswer | StatusAnswer | DiscoveryAnswer | CollectionsAnswer

const maxDetails = 10

/** Of what is kept of an answer. Real servers describe thousands of collections in 20 MB. */
const maxKeptBytes = 64 * 1024 * 1024
// One of each is read.
const maxKeptInPoll = 100
/** Elements of an answer besides its blocks: a Poll_Response has a handful, and lists of collections have thousands. */
const maxOtherElements = { poll: 10_000, lists: 100_000 }

/**
 * Reads a TAXII 1.1 message as it arrives, and hands on each Content_Block without keeping it.
 * @throws PollFault not-xml, wrong-message, too-large, endless; and what the body throws
 */
export async function readAnswer(
  body: AsyncIterable<Uint8Array>,
  limits: Partial<XmlStreamLimits>,
  onBlock: (block: ReceivedBlock) => void,
): Promise<Answer> {
  const children: XmlElement[] = []
  let root: XmlElement | undefined
  let blocks = 0
  let others = 0
  let bytes = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      bytes += chunk.length
      yield chunk
    }
  }
  try {
    for await (const { root: found, child } of readXmlStream(counted(), limits)) {
      if (!root) checkRoot(found)
      root = found
      const isPoll = root.name === 'Poll_Response'
      if (!isPoll && bytes > maxKeptBytes) throw tooLong(root)
      if (!child) continue
      const isOurs = child.namespace === taxiiNamespace
      if (isPoll && isOurs && child.name === 'Content_Block') {
        blocks += 1
        onBlock(toBlock(child))
        continue
      }
      others += 1
      if (others > maxOtherElements[isPoll ? 'poll' : 'lists']) throw tooMany(root, others - 1)
      if (isOurs && (!isPoll || children.length < maxKeptInPoll)) children.push(child)
    }
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    if (bytes === 0) throw new PollFault('not-xml', 'the answer is empty', serverAdvice)
    throw xmlFault(error, root)
  }
  return toAnswer(root as XmlElement, children, blocks)
}

const serverAdvice = { advice: ['look into the log of the server at this moment'], retryable: true }

function tooLong({ name }: XmlElement): PollFault {
  return new PollFault('too-large', `the ${name} is longer than ${maxKeptBytes} bytes`)
}

function tooMany({ name }: XmlElement, most: number): PollFault {
  return new PollFault('endless', `the ${name} has more than ${most} elements besides blocks`, {
    advice: ['the server goes on without end: look at what it sends'],
  })
}

function xmlFault(error: XmlError, root: XmlElement | undefined): PollFault {
  const tooLarge = /longer than \d+ char|more than \d+ elements/.test(error.message)
  if (tooLarge) {
    return new PollFault('too-large', `a part of the answer is too large: ${error.message}`, {
      advice: ['--max-block raises the bound; a device has less memory than this machine'],
      cause: error,
    })
  }
  const cutOff = root !== undefined && /unclosed tag|unexpected end/.test(error.message)
  return new PollFault(
    'not-xml',
    cutOff
      ? `the answer breaks off in the middle (${error.message})`
      : `the answer is not well-formed XML: ${error.message}`,
    {
      advice: [
        cutOff
          ? 'the server or a proxy gave up while it was sending: look into their logs'
          : 'a device drops the whole answer; look at what the server sends at that place',
      ],
      retryable: true,
      cause: error,
    },
  )
}

const answers = new Set([
  'Poll_Response',
  'Status_Message',
  'Discovery_Response',
  'Collection_Information_Response',
])

function checkRoot({ name, namespace }: XmlElement): void {
  if (namespace === taxiiNamespace && answers.has(name)) return
  const what =
    namespace === taxiiNamespace
      ? `<${cutText(name)}>, which answers no request`
      : `<${cutText(name)}> in the namespace "${cutText(namespace)}", not a message of TAXII 1.1`
  const advice = /taxii_xml_binding-1$/.test(namespace)
    ? 'this is TAXII 1.0: look for the address of the server’s TAXII 1.1 service'
    : 'check the address: what answers there is no TAXII 1.1 service'
  throw new PollFault('wrong-message', `the answer is ${what}`, {
    advice: [advice],
  })
}

function toAnswer(root: XmlElement, children: readonly XmlElement[], blocks: number): Answer {
  const textOf = (name: string) => find(children, name)?.text.trim()
  const momentOf = (name: string) => {
    const text = textOf(name)
    return text === undefined ? undefined : { text, moment: parseMicros(text) }
  }
  const inResponseTo = findAttribute(root, 'in_response_to')
  switch (root.name) {
    case 'Poll_Response':
      return {
        type: 'Poll_Response',
        inResponseTo,
        collection: findAttribute(root, 'collection_name'),
        more: findAttribute(root, 'more'),
        resultId: findAttribute(root, 'result_id'),
        part: findAttribute(root, 'result_part_number'),
        begin: momentOf('Exclusive_Begin_Timestamp'),
        end: momentOf('Inclusive_End_Timestamp'),
        recordCount: wholeCount(find(children, 'Record_Count')),
        message: textOf('Message'),
        blocks,
      }
    case 'Discovery_Response':
      return {
        type: 'Discovery_Response',
        inResponseTo,
        instances: findAll(children, 'Service_Instance').map(toInstance),
      }
    case 'Collection_Information_Response':
      return {
        type: 'Collection_Information_Response',
        inResponseTo,
        collections: findAll(children, 'Collection').map(toCollection),
      }
    default:
      return {
        type: 'Status_Message',
        statusType: cutText(findAttribute(root, 'status_type') ?? 'without a type'),
        message: cutText(textOf('Message') ?? ''),
        details: (find(children, 'Status_Detail')?.children ?? [])
          .slice(0, maxDetails)
          .map((one) => cutText(`${findAttribute(one, 'name') ?? one.name}=${one.text.trim()}`)),
      }
  }
}

function wholeCount(count: XmlElement | undefined): string | undefined {
  const isPartial = count && ['true', '1'].includes(findAttribute(count, 'partial_count') ?? '')
  return isPartial ? undefined : count?.text.trim()
}

const noContent: XmlElement = {
  namespace: taxiiNamespace,
  name: 'Content',
  attributes: [],
  children: [],
  text: '',
}

function toBlock({ children }: XmlElement): ReceivedBlock {
  const binding = find(children, 'Content_Binding')
  return {
    binding: (binding && findAttribute(binding, 'binding_id')) ?? '',
    label: find(children, 'Timestamp_Label')?.text.trim(),
    content: find(children, 'Content') ?? noContent,
  }
}

function toInstance(element: XmlElement): AdvertisedInstance {
  return {
    ...toService(element),
    serviceType: findAttribute(element, 'service_type') ?? '',
    available: isAvailable(element),
  }
}

function toService({ children }: XmlElement): AdvertisedService {
  const textOf = (name: string) => find(children, name)?.text.trim() ?? ''
  return {
    address: textOf('Address'),
    protocolBinding: textOf('Protocol_Binding'),
    messageBindings: findAll(children, 'Message_Binding').map((one) => one.text.trim()),
  }
}

function toCollection(element: XmlElement): AdvertisedCollection {
  return {
    name: findAttribute(element, 'collection_name') ?? '',
    collectionType: findAttribute(element, 'collection_type') ?? 'DATA_FEED',
    available: isAvailable(element),
    contentBindings: findAll(element.children, 'Content_Binding').map(
      (one) => findAttribute(one, 'binding_id') ?? '',
    ),
    pollingServices: findAll(element.children, 'Polling_Service').map(toService),
  }
}

function isAvailable(element: XmlElement): boolean {
  return !['false', '0'].includes(findAttribute(element, 'available') ?? 'true')
}

function find(children: readonly XmlElement[], name: string): XmlElement | undefined {
  return children.find((one) => one.name === name && one.namespace === taxiiNamespace)
}

function findAll(children: readonly XmlElement[], name: string): XmlElement[] {
  return children.filter((one) => one.name === name && one.namespace === taxiiNamespace)
}
