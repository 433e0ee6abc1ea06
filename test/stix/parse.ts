import { SaxesParser } from 'saxes'

/** An element of a parsed document: its name with prefix, and its own text. */
export interface Parsed {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  text: string
}

/**
 * Parses as strictly as XML 1.0 and its namespaces ask.
 * @throws on the first fault
 */
export function parseStrictly(xml: string): readonly Parsed[] {
  const elements: Parsed[] = []
  const open: Parsed[] = []
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', (tag) => {
    const attributes = Object.values(tag.attributes).map(({ name, value }) => [name, value])
    const element: Parsed = {
      name: tag.name,
      attributes: Object.fromEntries(attributes),
      text: '',
    }
    elements.push(element)
    open.push(element)
  })
  parser.on('text', (text) => {
    const element = open.at(-1)
    if (element) element.text += text
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.write(xml).close()
  return elements
}

/** The texts of all elements of a name. */
export function textsOf(elements: readonly Parsed[], name: string): readonly string[] {
  return elements.filter((element) => element.name === name).map(({ text }) => text)
}

const valueElements = new Set([
  'AddressObj:Address_Value',
  'DomainNameObj:Value',
  'URIObj:Value',
  'cyboxCommon:Simple_Hash_Value',
  'FileObj:File_Path',
  'MutexObj:Name',
  'yaraTM:Rule',
  'et:CVE_ID',
])

/** What the packages' indicators and exploit targets are about, in their order. */
export function valuesOf(elements: readonly Parsed[]): readonly string[] {
  return elements.filter(({ name }) => valueElements.has(name)).map(({ text }) => text)
}

/** The prefixes that a document declares, and uses in no name, no xsi:type and no id. */
export function unusedPrefixes(xml: string): readonly string[] {
  const used = new Set([...xml.matchAll(/[<" ](\w[\w-]*):\w/g)].map(([, prefix]) => prefix))
  const declared = [...xml.matchAll(/ xmlns:([\w-]+)=/g)].map(([, prefix]) => prefix as string)
  return declared.filter((prefix) => !used.has(prefix))
}
