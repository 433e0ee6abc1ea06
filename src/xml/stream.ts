import {
  createXmlReader,
  encodingOf,
  type OpenElement,
  type XmlElement,
  XmlError,
  type XmlReader,
} from './parser.ts'

export interface XmlStreamLimits {
  readonly maxDepth: number
  /** from the end of one of the root's children to the end of the next, in characters */
  readonly maxPieceLength: number
  /** elements and attributes of one of the root's children */
  readonly maxPieceNodes: number
}

export const defaultStreamLimits: XmlStreamLimits = {
  maxDepth: 256,
  maxPieceLength: 16 * 1024 * 1024,
  maxPieceNodes: 250_000,
}

export interface XmlPiece {
  /** the document's root, with its attributes and nothing else */
  readonly root: XmlElement
  /** one of the root's children, whole; undefined in the first piece, which tells of the root alone */
  readonly child: XmlElement | undefined
}

/**
 * Reads a document as it arrives, as strictly as `readXml`: the root first, then each of its children when
 * it is whole. None of them is kept, so that memory does not grow with the document. Text directly in the
 * root is dropped.
 * @throws XmlError where the document is not well-formed, ends too early or goes beyond a limit; by then
 *   the pieces before that place were handed on. Also what `chunks` throws.
 */
export async function* readXmlStream(
  chunks: AsyncIterable<Uint8Array>,
  limits: Partial<XmlStreamLimits> = {},
): AsyncGenerator<XmlPiece, void, undefined> {
  const pieces = collectPieces({ ...defaultStreamLimits, ...limits })
  let decode: ((bytes: Uint8Array | undefined) => string) | undefined
  // A byte order mark may come in two chunks.
  let first: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    if (decode) {
      yield* pieces.read(decode(chunk))
      continue
    }
    first = Buffer.concat([first, chunk])
    if (first.length < 2) continue
    decode = startDecoding(first, pieces)
    yield* pieces.read(decode(first))
  }
  if (!decode) {
    decode = startDecoding(first, pieces)
    yield* pieces.read(decode(first))
  }
  yield* pieces.read(decode(undefined))
  yield* pieces.end()
}

type Pieces = ReturnType<typeof collectPieces>

/** @returns what decodes one chunk after another; undefined ends them */
function startDecoding(first: Uint8Array, pieces: Pieces) {
  const encoding = encodingOf(first)
  const decoder = new TextDecoder(encoding, { fatal: true })
  pieces.start(encoding)
  return (bytes: Uint8Array | undefined): string => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode()
    } catch {
      return pieces.refuse(`the bytes from here on are not valid ${encoding.toUpperCase()}`)
    }
  }
}

function collectPieces({ maxDepth, maxPieceLength, maxPieceNodes }: XmlStreamLimits) {
  let reader: XmlReader | undefined
  let root: OpenElement | undefined
  let nodes = 0
  let pieceBegan = 0
  let written = 0
  let done: XmlPiece[] = []
  // Those below the root.
  const open: OpenElement[] = []
  let depth = 0

  function refuse(reason: string): never {
    if (!reader) throw new XmlError(reason, 1, 0)
    return reader.refuse(reason)
  }

  function countNode(): void {
    nodes += 1
    if (nodes > maxPieceNodes) {
      refuse(`one element holds more than ${maxPieceNodes} elements and attributes`)
    }
  }

  function handOn(child: XmlElement | undefined): void {
    if (reader && reader.position() - pieceBegan > maxPieceLength) {
      refuse(`one element is longer than ${maxPieceLength} characters`)
    }
    done.push({ root: root as OpenElement, child })
    nodes = 0
    pieceBegan = reader?.position() ?? 0
  }

  function* read(text: string): Generator<XmlPiece, void, undefined> {
    for (let at = 0; at < text.length; at += stepLength) {
      try {
        const step = text.slice(at, at + stepLength)
        reader?.write(step)
        written += step.length
        if (written - pieceBegan > maxPieceLength) {
          refuse(`one element is longer than ${maxPieceLength} characters`)
        }
      } finally {
        const ready = done
        done = []
        yield* ready
      }
    }
  }

  return {
    refuse,
    read,
    start(encoding: Parameters<typeof createXmlReader>[0]): void {
      reader = createXmlReader(encoding, {
        root: () => root,
        attribute: countNode,
        begin() {
          if (depth >= maxDepth) refuse(`elements are nested deeper than ${maxDepth}`)
          countNode()
        },
        open(element) {
          depth += 1
          if (!root) {
            root = element
            handOn(undefined)
            return
          }
          open.at(-1)?.children.push(element)
          open.push(element)
        },
        text(piece) {
          const parent = open.at(-1)
          if (parent) parent.text += piece
        },
        close() {
          depth -= 1
          const closed = open.pop()
          if (closed && open.length === 0) handOn(closed)
        },
      })
    },
    *end(): Generator<XmlPiece, void, undefined> {
      reader?.close()
      if (!root) refuse('there is no root element')
      yield* done
      done = []
    },
  }
}

/** How much is read before pieces are handed on and the bound on their length is looked at. */
const stepLength = 65_536
