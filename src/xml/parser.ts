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
  /** the namespaces that it declares itself, by prefix; absent: none. Values such as xsi:type's name them. */
  readonly declares?: Readonly<Record<string, string>>
}

/** An element while it is being read. */
export interface OpenElement {
  readonly namespace: string
  readonly name: string
  readonly attributes: XmlAttribute[]
  readonly children: OpenElement[]
  text: string
  readonly declares?: Readonly<Record<string, string>>
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

/** What was read may be well-formed, and goes beyond what is read of a document. */
export class XmlLimitExceeded extends XmlError {}

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/** XML without a byte order mark is UTF-8 unless it declares otherwise, and then it is refused. */
export function encodingOf(bytes: Uint8Array): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
}

/** Whether a document may say that this is its encoding. */
export function isDeclarable(name: string, encoding: Encoding): boolean {
  return declarable[encoding].test(name)
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

export interface XmlHandlers {
  /** A tag begins: its attributes are not known yet. */
  readonly begin: () => void
  readonly open: (element: OpenElement) => void
  readonly text: (piece: string) => void
  readonly close: () => void
  /** the root as far as it was read, for errors to carry */
  readonly root: () => XmlElement | undefined
  /** Called for each attribute as it is read, before its element is opened. */
  readonly attribute?: () => void
}

export interface XmlReader {
  write(text: string): void
  /** The document has ended. */
  close(): void
  /** @throws XmlError at the place that was read last */
  refuse(reason: string): never
  /** @throws XmlLimitExceeded likewise */
  exceed(reason: string): never
  /** how many characters were read; only while a handler is called, as saxes counts twice in between */
  readonly position: () => number
  /** that was read last, from 1 */
  readonly line: () => number
}

/** Where the strict reader goes on in a document of which the beginning was read already. */
export interface Beginning {
  /** start tags of the elements that are open, without line feeds */
  readonly within: string
  /** characters that were read */
  readonly position: number
  /** of the place, from 1 */
  readonly lines: number
  /** of the place, from 0 */
  readonly columns: number
}

const atTheBeginning: Beginning = { within: '', position: 0, lines: 1, columns: 0 }

/**
 * XML 1.0 with namespaces, strictly. What is not well-formed is refused, never repaired, and so is every DOCTYPE,
 * because nothing that we read needs one and entities are its only use.
 * @param encoding that the bytes were decoded by
 */
export function createStrictReader(
  encoding: Encoding,
  handlers: XmlHandlers,
  { within, position, lines, columns }: Beginning = atTheBeginning,
): XmlReader {
  // Without the forcing, a document that calls itself XML 1.1 may hold control characters.
  const parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: '1.0' })

  const line = () => parser.line + lines - 1
  let withinColumns = 0

  const column = () => (parser.line === 1 ? parser.column - withinColumns + columns : parser.column)

  function refuse(reason: string): never {
    throw new XmlError(reason, line(), column(), handlers.root())
  }

  // saxes' own table inherits from Object, so that &constructor; would be a function.
  parser.ENTITIES = entities
  parser.on('error', (error) => refuse(error.message.replace(/^\d+:\d+: /, '')))
  parser.on('doctype', () => refuse('a DOCTYPE is not allowed'))
  parser.on('xmldecl', (declaration) => {
    if (declaration.encoding && !isDeclarable(declaration.encoding, encoding)) {
      refuse(`the encoding ${declaration.encoding} is declared, but UTF-8 is expected`)
    }
  })
  parser.write(within)
  withinColumns = parser.column
  parser.on('opentagstart', handlers.begin)
  if (handlers.attribute) parser.on('attribute', handlers.attribute)
  parser.on('opentag', (tag) => {
    const attributes: XmlAttribute[] = []
    let declares: Record<string, string> | undefined
    for (const { uri, prefix, local, name, value } of Object.values(tag.attributes)) {
      if (prefix === 'xmlns' || name === 'xmlns') {
        declares ??= Object.create(null) as Record<string, string>
        declares[prefix === 'xmlns' ? local : ''] = value
        continue
      }
      attributes.push({ namespace: uri, name: local, value })
    }
    const element = { namespace: tag.uri, name: tag.local, attributes, children: [], text: '' }
    handlers.open(declares ? { ...element, declares } : element)
  })
  parser.on('text', handlers.text)
  parser.on('cdata', handlers.text)
  parser.on('closetag', handlers.close)

  return {
    write: (text) => {
      parser.write(text)
    },
    close: () => {
      parser.close()
    },
    refuse,
    exceed(reason) {
      throw new XmlLimitExceeded(reason, line(), column(), handlers.root())
    },
    position: () => parser.position - within.length + position,
    line,
  }
}
