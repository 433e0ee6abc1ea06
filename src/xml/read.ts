import { type Encoding, encodingOf, type OpenElement, type XmlElement, XmlError } from './parser.ts'
import { createXmlReader } from './scanner.ts'

export { type XmlAttribute, type XmlElement, XmlError, XmlLimitExceeded } from './parser.ts'

export interface XmlLimits {
  readonly maxDepth?: number
  readonly maxElements?: number
}

/** @returns the value of an attribute, by default of one without a prefix */
export function findAttribute(
  element: XmlElement,
  name: string,
  namespace = '',
): string | undefined {
  return element.attributes.find((one) => one.name === name && one.namespace === namespace)?.value
}

/**
 * Reads an XML 1.0 document with namespaces, strictly: what is not well-formed is refused, never
 * repaired, and so is every DOCTYPE. The caller bounds the size.
 * @throws XmlError
 */
export function readXml(bytes: Uint8Array, limits: XmlLimits = {}): XmlElement {
  const { text, encoding } = decode(bytes)
  return parse(text, encoding, limits)
}

function decode(bytes: Uint8Array): { text: string; encoding: Encoding } {
  const encoding = encodingOf(bytes)
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding }
  } catch {
    throw new XmlError(`the bytes are not valid ${encoding.toUpperCase()}`, 1, 0)
  }
}

function parse(text: string, encoding: Encoding, limits: XmlLimits): XmlElement {
  // saxes takes time quadratic in the depth: it searches all open elements for each prefix.
  const { maxDepth = 256, maxElements = 100_000 } = limits
  const open: OpenElement[] = []
  let root: OpenElement | undefined
  let elements = 0

  const reader = createXmlReader(encoding, {
    root: () => root,
    begin() {
      if (open.length >= maxDepth) reader.exceed(`elements are nested deeper than ${maxDepth}`)
      elements += 1
      if (elements > maxElements) reader.exceed(`there are more than ${maxElements} elements`)
    },
    open(element) {
      open.at(-1)?.children.push(element)
      root ??= element
      open.push(element)
    },
    text(piece) {
      const parent = open.at(-1)
      if (parent) parent.text += piece
    },
    close() {
      open.pop()
    },
  })
  reader.write(text)
  reader.close()
  return root ?? reader.refuse('there is no root element')
}
