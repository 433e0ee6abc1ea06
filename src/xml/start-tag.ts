import { decodeReferences, endOfName, isNameStart, isSpace } from './characters.ts'
import type { OpenElement, XmlAttribute } from './parser.ts'

/** The namespaces that are in force, by prefix: what an element declares itself, and what stands around it. */
export interface Scope {
  readonly declares: Readonly<Record<string, string>>
  readonly outer: Scope | undefined
}

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

export const outermostScope: Scope = {
  declares: Object.assign(Object.create(null), { xml: xmlNamespace }),
  outer: undefined,
}

/** A start tag that is plainly well-formed. */
export interface StartTag {
  /** as it is written, with its prefix */
  readonly name: string
  readonly element: OpenElement
  readonly scope: Scope
  readonly isEmpty: boolean
  /** right behind its name */
  readonly nameEnd: number
  /** right behind each attribute, declarations among them */
  readonly attributeEnds: readonly number[]
  /** right behind the tag */
  readonly end: number
}

// More are read by the strict reader, which looks each up.
const mostAttributes = 24

/**
 * @param begin where its `<` is; a name's first character stands behind it
 * @returns `wait` where the text ends within it, `odd` for what is wrong or rare
 */
export function readStartTag(text: string, begin: number, outer: Scope): StartTag | 'wait' | 'odd' {
  const nameEnd = endOfName(text, begin + 1)
  if (nameEnd < 0) return 'odd'
  const name = text.slice(begin + 1, nameEnd)
  const raw: string[] = []
  const attributeEnds: number[] = []
  let declares: Record<string, string> | undefined
  let end = nameEnd
  for (;;) {
    const spaceBegin = end
    end = skipSpaces(text, end)
    const code = text.charCodeAt(end)
    if (code === greaterThan || code === slash) break
    if (end >= text.length) return 'wait'
    if (end === spaceBegin || !isNameStart(code)) return 'odd'
    const nameBegin = end
    end = endOfName(text, end)
    if (end < 0) return 'odd'
    const attribute = text.slice(nameBegin, end)
    end = skipSpaces(text, end)
    if (end >= text.length) return 'wait'
    if (text.charCodeAt(end) !== equals) return 'odd'
    end = skipSpaces(text, end + 1)
    if (end >= text.length) return 'wait'
    const quote = text[end] as string
    if (quote !== '"' && quote !== "'") return 'odd'
    const valueBegin = end + 1
    end = text.indexOf(quote, valueBegin)
    if (end < 0) return 'wait'
    const value = readValue(text.slice(valueBegin, end))
    if (value === undefined) return 'odd'
    end += 1
    attributeEnds.push(end)
    if (attribute === 'xmlns' || attribute.startsWith('xmlns:')) {
      const prefix = attribute.slice(6)
      declares ??= Object.create(null) as Record<string, string>
      if (attribute === 'xmlns:' || prefix in declares || !isPlain(prefix, value)) return 'odd'
      declares[prefix] = value
    } else {
      raw.push(attribute, value)
      if (raw.length > 2 * mostAttributes) return 'odd'
    }
  }
  const isEmpty = text.charCodeAt(end) === slash
  if (isEmpty) {
    end += 1
    if (end >= text.length) return 'wait'
    if (text.charCodeAt(end) !== greaterThan) return 'odd'
  }
  end += 1
  const scope = declares ? { declares, outer } : outer
  const element = toElement(name, raw, declares, scope)
  if (!element) return 'odd'
  return { name, element, scope, isEmpty, nameEnd, attributeEnds, end }
}

const greaterThan = 0x3e
const slash = 0x2f
const equals = 0x3d

function skipSpaces(text: string, at: number): number {
  let end = at
  while (isSpace(text.charCodeAt(end))) end += 1
  return end
}

const notAsWritten = /[<&\t\n]/

/** @returns undefined for what has no place in a value, or may have none */
function readValue(written: string): string | undefined {
  if (!notAsWritten.test(written)) return written
  if (written.includes('<')) return undefined
  return decodeReferences(written.replaceAll(/[\t\n]/g, ' '))
}

const reserved: ReadonlySet<string> = new Set([xmlNamespace, xmlnsNamespace])

/** Whether nothing is to be asked about a declaration of a namespace. */
function isPlain(prefix: string, uri: string): boolean {
  if (prefix === 'xml' || prefix === 'xmlns' || prefix.includes(':')) return false
  if (prefix !== '' && uri === '') return false
  return !/[\t\n\r]/.test(uri) && uri.trim() === uri && !reserved.has(uri)
}

function resolve(scope: Scope, prefix: string): string | undefined {
  for (let one: Scope | undefined = scope; one; one = one.outer) {
    const uri = one.declares[prefix]
    if (uri !== undefined) return uri
  }
  return undefined
}

/** @returns undefined where a name is none, a prefix is unbound or two attributes are the same */
function toElement(
  tagName: string,
  raw: readonly string[],
  declares: Record<string, string> | undefined,
  scope: Scope,
): OpenElement | undefined {
  const attributes: XmlAttribute[] = []
  for (let place = 0; place < raw.length; place += 2) {
    const written = raw[place] as string
    const colon = written.indexOf(':')
    const namespace = colon < 0 ? '' : findNamespace(written, colon, scope)
    if (namespace === undefined) return undefined
    const name = colon < 0 ? written : written.slice(colon + 1)
    for (const other of attributes) {
      if (other.name === name && other.namespace === namespace) return undefined
    }
    attributes.push({ namespace, name, value: raw[place + 1] as string })
  }
  const colon = tagName.indexOf(':')
  const namespace = colon < 0 ? (resolve(scope, '') ?? '') : findNamespace(tagName, colon, scope)
  if (namespace === undefined) return undefined
  const name = colon < 0 ? tagName : tagName.slice(colon + 1)
  if (declares) return { namespace, name, attributes, children: [], text: '', declares }
  return { namespace, name, attributes, children: [], text: '' }
}

function findNamespace(name: string, colon: number, scope: Scope): string | undefined {
  if (colon === 0 || colon === name.length - 1 || name.includes(':', colon + 1)) return undefined
  return resolve(scope, name.slice(0, colon))
}
