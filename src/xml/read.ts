import { SaxesParser } from 'saxes'

export interface XmlAttribute {
  /** '' where the attribute has no prefix */
  readonly namespace: string
  /** the local name */
  readonly name: string
  readonly value: string
}

/** An element with its prefixes resolved. Comments and processing instructions leave no trace. */
export interface XmlElement {
  readonly namespace: string
  /** the local name */
  readonly name: string
  /** namespace declarations are not among them */
  readonly attributes: readonly XmlAttribute[]
  readonly children: readonly XmlElement[]
  /** the element's own text, CDATA included, its children's excluded, white space kept */
  readonly text: string
}

export interface XmlLimits {
  readonly maxDepth?: number
  readonly maxElements?: number
}

/** What was read is not a document that we accept; the message says what is wrong and where. */
export class XmlError extends Error {
  readonly code = 'XML_INVALID'
  readonly line: number
  readonly column: number
  /** the root element as far as it had been read, so that an answer can still name its message id */
  readonly root: XmlElement | undefined

  constructor(reason: string, line: number, column: number, root?: XmlElement) {
    super(`line ${line}, column ${column}: ${reason}`)
    this.name = 'XmlError'
    this.line = line
    this.column = column
    this.root = root
  }
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
 * repaired, and so is every DOCTYPE, because nothing that we read needs one and entities are its
 * only use. The caller bounds the size.
 * @throws XmlError
 */
export function readXml(bytes: Uint8Array, limits: XmlLimits = {}): XmlElement {
  const { text, encoding } = decode(bytes)
  return parse(text, encoding, limits)
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/** XML without a byte order mark is UTF-8 unless it declares otherwise, and then it is refused. */
function decode(bytes: Uint8Array): { text: string; encoding: Encoding } {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8'
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding }
  } catch {
    throw new XmlError(`the bytes are not valid ${encoding.toUpperCase()}`, 1, 0)
  }
}

const declarable: Record<Encoding, RegExp> = {
  'utf-8': /^(utf-?8|us-ascii|ascii)$/i,
  'utf-16le': /^utf-16(le)?$/i,
  'utf-16be': /^utf-16(be)?$/i,
}

const entities: Record<string, string> = Object.assign(Object.create(null), {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
})

interface OpenElement {
  readonly namespace: string
  readonly name: string
  readonly attributes: XmlAttribute[]
  readonly children: OpenElement[]
  text: string
}

function parse(text: string, encoding: Encoding, limits: XmlLimits): XmlElement {
  // saxes takes time quadratic in the depth: it searches all open elements for each prefix.
  const { maxDepth = 256, maxElements = 100_000 } = limits
  // Without the forcing, a document that calls itself XML 1.1 may hold control characters.
  const parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: '1.0' })
  const open: OpenElement[] = []
  let root: OpenElement | undefined
  let elements = 0

  function refuse(reason: string): never {
    throw new XmlError(reason, parser.line, parser.column, root)
  }

  // saxes' own table inherits from Object, so that &constructor; would be a function.
  parser.ENTITIES = entities
  parser.on('error', (error) => refuse(error.message.replace(/^\d+:\d+: /, '')))
  parser.on('doctype', () => refuse('a DOCTYPE is not allowed'))
  parser.on('xmldecl', (declaration) => {
    if (declaration.encoding && !declarable[encoding].test(declaration.encoding)) {
      refuse(`the encoding ${declaration.encoding} is declared, but UTF-8 is expected`)
    }
  })
  parser.on('opentagstart', () => {
    if (open.length >= maxDepth) refuse(`elements are nested deeper than ${maxDepth}`)
    elements += 1
    if (elements > maxElements) refuse(`there are more than ${maxElements} elements`)
  })
  parser.on('opentag', (tag) => {
    const attributes: XmlAttribute[] = []
    for (const { uri, prefix, local, name, value } of Object.values(tag.attributes)) {
      if (prefix === 'xmlns' || name === 'xmlns') continue
      attributes.push({ namespace: uri, name: local, value })
    }
    const element = { namespace: tag.uri, name: tag.local, attributes, children: [], text: '' }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  const addText = (piece: string): void => {
    const parent = open.at(-1)
    if (parent) parent.text += piece
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    open.pop()
  })
  parser.write(text).close()
  return root ?? refuse('there is no root element')
}
