import { createHash, type Hash, hash as hashOf } from 'node:crypto'
import type { XmlAttribute, XmlElement } from './read.ts'

/**
 * Hashes a document part by part, so that it is known again however it was spelled: prefixes, the order of
 * attributes, CDATA, comments and the white space between elements do not matter.
 */
export interface CanonicalHash {
  open(element: XmlElement): void
  /** an element with all that is in it */
  child(element: XmlElement): void
  text(text: string): void
  close(): void
  /** of what was hashed, in UTF-16 units: about its size */
  length(): number
  /** SHA-256; once, at the end */
  digest(): Buffer
}

const schemaInstance = 'http://www.w3.org/2001/XMLSchema-instance'

// XML 1.0 has none of these characters, so that nothing in a document looks like the border of two parts.
const opens = '\u0001'
const ends = '\u0002'
const attribute = '\u0003'
const between = '\u0004'

const pieceLength = 65_536

export function createCanonicalHash(): CanonicalHash {
  let hash: Hash | undefined
  let length = 0
  // Hashed in few pieces: most documents are small, and each piece costs as much as a kilobyte.
  let waiting = ''
  const add = (text: string) => {
    waiting += text
    length += text.length
    if (waiting.length < pieceLength) return
    hash ??= createHash('sha256')
    hash.update(waiting)
    waiting = ''
  }
  return {
    open: (element) => add(start(element)),
    child: (element) => add(whole(element)),
    text: (text) => {
      if (text.trim() !== '') add(text)
    },
    close: () => add(ends),
    length: () => length,
    digest: () => hash?.update(waiting).digest() ?? hashOf('sha256', waiting, 'buffer'),
  }
}

function start({ namespace, name, attributes }: XmlElement): string {
  let text = opens + namespace + between + name
  const sorted = attributes.length > 1 ? attributes.toSorted(byName) : attributes
  for (const one of sorted) {
    if (one.namespace === schemaInstance) {
      // A hint where a schema may be found, and a type whose prefix is the document's own.
      if (one.name === 'schemaLocation') continue
      text += attribute + one.name + between + one.value.slice(one.value.lastIndexOf(':') + 1)
      continue
    }
    text += attribute + one.namespace + between + one.name + between + one.value
  }
  return text + between
}

function byName(a: XmlAttribute, b: XmlAttribute): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1
  return a.name < b.name ? -1 : 1
}

/** Readers bound the depth of an element, and so of this. */
function whole(element: XmlElement): string {
  let text = start(element)
  if (element.children.length === 0) return text + element.text + ends
  if (element.text.trim() !== '') text += element.text
  for (const child of element.children) text += whole(child)
  return text + ends
}
