import { createStrictDecoder } from './decode.ts'
import {
  encodingOf,
  type OpenElement,
  type XmlElement,
  XmlError,
  type XmlHandlers,
  XmlLimitExceeded,
  type XmlReader,
} from './parser.ts'
import { createXmlReader } from './scanner.ts'

export interface XmlStreamLimits {
  readonly maxDepth: number
  /** from the end of one part to the end of the next, in characters */
  readonly maxPieceLength: number
  /** elements and attributes of one part */
  readonly maxPieceNodes: number
  /** of one start tag with all its attributes, in characters */
  readonly maxTagLength: number
}

export const defaultStreamLimits: XmlStreamLimits = {
  maxDepth: 256,
  maxPieceLength: 16 * 1024 * 1024,
  maxPieceNodes: 250_000,
  maxTagLength: 1_048_576,
}

/**
 * What is met next: a container's start tag (`element` has its attributes and nothing else), a whole child of
 * the innermost open container, text directly in it (as it arrives, in several pieces), or its end tag.
 */
export type XmlPart =
  /** `line`: where the start tag ends, of `close` the end tag */
  | {
      readonly kind: 'open' | 'child' | 'close'
      readonly element: XmlElement
      readonly line: number
    }
  | { readonly kind: 'text'; readonly text: string }

/**
 * Decides at a start tag whether the element is a container, whose children are handed on one by one.
 * @param within the containers that it stands in, the root first; only their children are asked about
 */
export type IsContainer = (element: XmlElement, within: readonly XmlElement[]) => boolean

/** Parts as they arrive, one after the other. */
export interface XmlPartSource {
  /** the next part, if it was read already; else undefined */
  take(): XmlPart | undefined
  /** the next part; undefined at the end */
  next(): Promise<XmlPart | undefined>
}

/**
 * Reads a document as it arrives, as strictly as `readXml`, and hands on what is in its containers part by
 * part. Nothing of it is kept, so that memory does not grow with the document.
 * @throws XmlError where the document is not well-formed, ends too early or (XmlLimitExceeded) goes beyond a limit; by then
 *   the parts before that place were handed on. Also what `chunks` throws.
 */
export async function* readXmlParts(
  chunks: AsyncIterable<Uint8Array>,
  isContainer: IsContainer,
  limits: Partial<XmlStreamLimits> = {},
): AsyncGenerator<XmlPart, void, undefined> {
  for await (const batch of readBatches(chunks, isContainer, limits)) yield* batch
}

/** As `readXmlParts`, for those who need not wait for each part: of what has arrived, all is there at once. */
export function openXmlParts(
  chunks: AsyncIterable<Uint8Array>,
  isContainer: IsContainer,
  limits: Partial<XmlStreamLimits> = {},
): XmlPartSource {
  const batches = readBatches(chunks, isContainer, limits)
  let batch: readonly XmlPart[] = []
  let place = 0
  return {
    take() {
      const part = batch[place]
      if (part) place += 1
      return part
    },
    async next() {
      while (place === batch.length) {
        const { value, done } = await batches.next()
        if (done) return undefined
        batch = value
        place = 0
      }
      place += 1
      return batch[place - 1]
    },
  }
}

/** Never empty ones. What was read before a fault comes before it. */
async function* readBatches(
  chunks: AsyncIterable<Uint8Array>,
  isContainer: IsContainer,
  limits: Partial<XmlStreamLimits>,
): AsyncGenerator<readonly XmlPart[], void, undefined> {
  const parts = collectParts(isContainer, { ...defaultStreamLimits, ...limits })
  let take: ReturnType<typeof startDecoding> | undefined
  // A byte order mark may come in two chunks.
  let first: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    if (take) {
      yield* take(chunk)
      continue
    }
    first = Buffer.concat([first, chunk])
    if (first.length < 2) continue
    take = startDecoding(first, parts)
    yield* take(first)
  }
  if (!take) {
    take = startDecoding(first, parts)
    yield* take(first)
  }
  yield* take(undefined)
  yield* parts.end()
}

type Parts = ReturnType<typeof collectParts>

/** @returns what reads one chunk after another; undefined ends them */
function startDecoding(first: Uint8Array, parts: Parts) {
  const encoding = encodingOf(first)
  const decode = createStrictDecoder(encoding)
  parts.start(encoding)
  return function* take(bytes: Uint8Array | undefined): Generator<readonly XmlPart[]> {
    const { text, isValid } = decode(bytes)
    yield* parts.read(text)
    if (!isValid) parts.refuse(`the bytes from here on are not valid ${encoding.toUpperCase()}`)
  }
}

function collectParts(
  isContainer: IsContainer,
  { maxDepth, maxPieceLength, maxPieceNodes, maxTagLength }: XmlStreamLimits,
) {
  let reader: XmlReader | undefined
  let root: OpenElement | undefined
  let nodes = 0
  let pieceBegan = 0
  let written = 0
  let childLine = 1
  // undefined outside of start tags
  let tagBegan: number | undefined
  let done: XmlPart[] = []
  const containers: OpenElement[] = []
  // Below the innermost container.
  const open: OpenElement[] = []

  function refuse(reason: string): never {
    if (!reader) throw new XmlError(reason, 1, 0)
    return reader.refuse(reason)
  }

  function exceed(reason: string): never {
    if (!reader) throw new XmlLimitExceeded(reason, 1, 0)
    return reader.exceed(reason)
  }

  function exceedLength(): never {
    return exceed(`one element or text is longer than ${maxPieceLength} characters`)
  }

  function checkTag(position: number): void {
    if (tagBegan !== undefined && position - tagBegan > maxTagLength) {
      exceed(`a start tag is longer than ${maxTagLength} characters`)
    }
  }

  function countNode(): void {
    nodes += 1
    if (nodes > maxPieceNodes) {
      exceed(`one element holds more than ${maxPieceNodes} elements and attributes`)
    }
  }

  function handOn(part: XmlPart): void {
    if (reader && reader.position() - pieceBegan > maxPieceLength) {
      exceedLength()
    }
    done.push(part)
    nodes = 0
    pieceBegan = reader?.position() ?? 0
  }

  function* read(text: string): Generator<readonly XmlPart[]> {
    for (let at = 0; at < text.length; at += stepLength) {
      try {
        const step = text.slice(at, at + stepLength)
        reader?.write(step)
        written += step.length
        checkTag(written)
        if (written - pieceBegan > maxPieceLength) {
          exceedLength()
        }
      } finally {
        const ready = done
        done = []
        if (ready.length > 0) yield ready
      }
    }
  }

  return {
    refuse,
    read,
    start(encoding: Parameters<typeof createXmlReader>[0]): void {
      const handlers: XmlHandlers = {
        root: () => root,
        attribute: countNode,
        begin() {
          if (containers.length + open.length >= maxDepth) {
            exceed(`elements are nested deeper than ${maxDepth}`)
          }
          countNode()
          tagBegan = reader?.position()
        },
        open(element) {
          checkTag(reader?.position() ?? 0)
          tagBegan = undefined
          root ??= element
          if (open.length === 0 && isContainer(element, containers)) {
            containers.push(element)
            handOn({ kind: 'open', element, line: reader?.line() ?? 1 })
            return
          }
          if (open.length === 0) childLine = reader?.line() ?? 1
          open.at(-1)?.children.push(element)
          open.push(element)
        },
        text(piece) {
          const parent = open.at(-1)
          if (parent) parent.text += piece
          else if (containers.length > 0) handOn({ kind: 'text', text: piece })
        },
        close() {
          const closed = open.pop()
          if (closed) {
            if (open.length === 0) handOn({ kind: 'child', element: closed, line: childLine })
            return
          }
          const element = containers.pop()
          if (element) handOn({ kind: 'close', element, line: reader?.line() ?? 1 })
        },
      }
      reader = createXmlReader(encoding, handlers, Math.min(maxTagLength, stepLength / 4))
    },
    *end(): Generator<readonly XmlPart[]> {
      reader?.close()
      if (!root) refuse('there is no root element')
      if (done.length > 0) yield done
      done = []
    },
  }
}

/** How much is read before parts are handed on and the bound on their length is looked at. */
const stepLength = 65_536
