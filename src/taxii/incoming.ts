import { TaxiwayError } from '../model/errors.ts'
import { type IsContainer, openXmlParts, type XmlPartSource } from '../xml/parts.ts'
import { type XmlElement, XmlError } from '../xml/read.ts'

/** The message is larger than is read of it. */
export class MessageTooLarge extends TaxiwayError {
  readonly statusCode = 413
  constructor(maxBytes: number) {
    super('MESSAGE_TOO_LARGE', `the message is larger than ${maxBytes} bytes`)
  }
}

export interface Incoming {
  /** with its attributes and nothing else */
  readonly root: XmlElement
  /** Reads what is left into one tree. Call this or `parts`, once. */
  readTree(): Promise<XmlElement>
  /** What is left, part by part: containers are those that `isContainer` says. */
  readonly parts: XmlPartSource
}

export interface IncomingLimits {
  /** of a message that is read into one tree */
  readonly maxTreeBytes: number
  /** how much of this message may be read, told by its root; absent: as much as of any other */
  readonly maxBytesOf?: (root: XmlElement) => number
  /** which elements of this message are read child by child, besides its root */
  readonly isContainer?: IsContainer
  readonly maxDepth?: number
  /** told of each piece that arrives; what it throws ends the reading */
  readonly onBytes?: (count: number) => void
}

/**
 * Reads a message as far as its root's start tag, so that it can be refused, or read as a stream, by what it is.
 * @throws XmlError, MessageTooLarge, and what `body` throws; so do the readers of the rest
 */
export async function readIncoming(
  body: AsyncIterable<Uint8Array>,
  { maxTreeBytes, maxBytesOf, isContainer, maxDepth, onBytes }: IncomingLimits,
): Promise<Incoming> {
  let maxBytes = maxTreeBytes
  async function* counted(): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new MessageTooLarge(maxBytes)
      onBytes?.(chunk.length)
      yield chunk
    }
  }
  const parts = openXmlParts(
    counted(),
    (element, within) => within.length === 0 || (isContainer?.(element, within) ?? false),
    { ...(maxDepth !== undefined && { maxDepth }) },
  )
  const first = await parts.next()
  if (first?.kind !== 'open') throw new XmlError('there is no root element', 1, 0)
  const root = first.element
  maxBytes = maxBytesOf?.(root) ?? maxTreeBytes
  return { root, parts, readTree: () => readTree(root, parts) }
}

async function readTree(root: XmlElement, parts: XmlPartSource): Promise<XmlElement> {
  const children: XmlElement[] = []
  let text = ''
  for (let part = await parts.next(); part; part = parts.take() ?? (await parts.next())) {
    if (part.kind === 'child') children.push(part.element)
    if (part.kind === 'text') text += part.text
  }
  return { ...root, children, text }
}
