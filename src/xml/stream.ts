import type { XmlElement } from './parser.ts'
import { readXmlParts, type XmlStreamLimits } from './parts.ts'

export { defaultStreamLimits, type XmlStreamLimits } from './parts.ts'

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
  let root: XmlElement | undefined
  for await (const part of readXmlParts(
    chunks,
    (_element, within) => within.length === 0,
    limits,
  )) {
    if (part.kind === 'open') root = part.element
    if (root && part.kind === 'open') yield { root, child: undefined }
    if (root && part.kind === 'child') yield { root, child: part.element }
  }
}
