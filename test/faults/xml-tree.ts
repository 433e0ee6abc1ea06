import type { Random } from './feed-random.ts'

/** An XML document as it is made, so that one message can be written in many ways. */
export interface Tag {
  readonly namespace: string
  readonly name: string
  readonly attributes: readonly Attribute[]
  readonly children: readonly Node[]
}

export interface Attribute {
  readonly namespace?: string
  readonly name: string
  readonly value: string
}

export type Node =
  | { readonly tag: Tag }
  | { readonly text: string }
  /** as it is, whatever it is */
  | { readonly raw: string }

export function element(
  namespace: string,
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly (Tag | string | undefined)[] = [],
): Tag {
  const present = Object.entries(attributes).filter((pair): pair is [string, string] => !!pair[1])
  return {
    namespace,
    name,
    attributes: present.map(([name, value]) => ({ name, value })),
    children: children
      .filter((child) => child !== undefined)
      .map((child) => (typeof child === 'string' ? { text: child } : { tag: child })),
  }
}

export interface Style {
  /** how namespaces are bound: by prefixes at the root, by defaults, or anew by each element */
  readonly binds: 'root' | 'default' | 'each'
  readonly prefix: string
  /** how often something that means nothing stands between and in elements, 0 to 1 */
  readonly noise: number
  /** how often a character of a text is written as a reference or its text as CDATA, 0 to 1 */
  readonly references: number
  readonly declaration: boolean
  readonly encoding: 'utf-8' | 'utf-8 with mark' | 'utf-16le' | 'utf-16be'
}

export const plainStyle: Style = {
  binds: 'root',
  prefix: 'n',
  noise: 0,
  references: 0,
  declaration: false,
  encoding: 'utf-8',
}

/** What a parser must read as the same: prefixes, white space, comments, CDATA, references, encodings. */
export function chooseStyle(random: Random): Style {
  return {
    binds: random.pick(['root', 'default', 'each']),
    prefix: random.pick(['n', 't', 'xmlish', 'taxii_11', '_', 'ä', 'constructor', '__proto__']),
    noise: random.pick([0, 0, 0.1, 0.5]),
    references: random.pick([0, 0, 0.05, 0.5]),
    declaration: random.chance(0.5),
    encoding: random.pick(['utf-8', 'utf-8', 'utf-8', 'utf-8 with mark', 'utf-16le', 'utf-16be']),
  }
}

export function writeDocument(root: Tag, style: Style, random: Random): Buffer {
  const text = writeText(root, style, random)
  switch (style.encoding) {
    case 'utf-8':
      return Buffer.from(text)
    case 'utf-8 with mark':
      return Buffer.from(`\ufeff${text}`)
    case 'utf-16le':
      return Buffer.from(`\ufeff${text}`, 'utf16le')
    case 'utf-16be':
      return Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
  }
}

/** @returns the document as text, with the declaration that its encoding needs */
export function writeText(root: Tag, style: Style, random: Random): string {
  const prefixes = new Map<string, string>()
  collectNamespaces(root, (namespace) => {
    if (!prefixes.has(namespace)) prefixes.set(namespace, `${style.prefix}${prefixes.size || ''}`)
  })
  const noise = () => {
    if (!random.chance(style.noise)) return ''
    return random.pick([' ', '\n', '\r\n\t', '<!-- - -->', '<?pi x="?"?>', '<!--<a>&b;-->'])
  }

  function write(tag: Tag, inherited: string | undefined): string {
    const declared: string[] = []
    let name = tag.name
    let inner = inherited
    if (style.binds === 'default' || tag.namespace === '') {
      if (inherited !== tag.namespace && !(inherited === undefined && tag.namespace === ''))
        declared.push(`xmlns="${escapeXml(tag.namespace)}"`)
      inner = tag.namespace
    } else {
      const prefix = prefixes.get(tag.namespace) ?? ''
      name = `${prefix}:${name}`
      if (style.binds === 'each') declared.push(`xmlns:${prefix}="${escapeXml(tag.namespace)}"`)
    }
    if (tag === root && style.binds === 'root')
      for (const [namespace, prefix] of prefixes)
        if (namespace !== '') declared.push(`xmlns:${prefix}="${escapeXml(namespace)}"`)
    const attributes = tag.attributes.map(({ namespace, name, value }, index) => {
      const written = writeValue(value)
      if (!namespace) return `${name}=${written}`
      const prefix = style.binds === 'root' ? prefixes.get(namespace) : `a${index}`
      if (style.binds !== 'root') declared.push(`xmlns:a${index}="${escapeXml(namespace)}"`)
      return `${prefix}:${name}=${written}`
    })
    const head = [name, ...declared, ...attributes].join(random.chance(style.noise) ? ' \n ' : ' ')
    if (tag.children.length === 0 && random.chance(0.5)) return `<${head}/>`
    // White space means something where there is text.
    const mixed = tag.children.some((child) => 'text' in child)
    const between = () => (mixed ? noise().trim() : noise())
    const content = tag.children.map((child) => between() + writeNode(child, inner)).join('')
    return `<${head}>${content}${between()}</${name}${random.chance(style.noise) ? ' ' : ''}>`
  }

  function writeNode(node: Node, inherited: string | undefined): string {
    if ('tag' in node) return write(node.tag, inherited)
    if ('raw' in node) return node.raw
    if (random.chance(style.references) && !node.text.includes(']]>'))
      return `<![CDATA[${node.text}]]>`
    return refer(escapeXml(node.text))
  }

  function writeValue(value: string): string {
    return random.chance(style.noise)
      ? `'${refer(escapeXml(value).replaceAll("'", '&apos;'))}'`
      : `"${refer(escapeXml(value))}"`
  }

  function refer(escaped: string): string {
    if (style.references === 0) return escaped
    return escaped.replace(/&[^;]*;|[a-z0-9:/]/gi, (character) => {
      if (character.startsWith('&') || !random.chance(style.references)) return character
      const code = character.charCodeAt(0)
      return random.chance(0.5) ? `&#${code};` : `&#x${code.toString(16)};`
    })
  }

  const encoding = style.encoding.startsWith('utf-16') ? 'UTF-16' : 'UTF-8'
  const declaration = style.declaration ? `<?xml version="1.0" encoding="${encoding}"?>` : ''
  return declaration + noise() + write(root, undefined) + noise()
}

function collectNamespaces(tag: Tag, add: (namespace: string) => void): void {
  add(tag.namespace)
  for (const { namespace } of tag.attributes) if (namespace) add(namespace)
  for (const child of tag.children) if ('tag' in child) collectNamespaces(child.tag, add)
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
}
