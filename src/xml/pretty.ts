import { XMLBuilder, XMLParser } from 'fast-xml-parser'

const shared = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  commentPropName: '#comment',
  cdataPropName: '#cdata',
  // References stay as they are written.
  processEntities: false,
} as const

const parser = new XMLParser({
  ...shared,
  parseTagValue: false,
  parseAttributeValue: false,
  maxNestedTags: 256,
})
const builder = new XMLBuilder({
  ...shared,
  format: true,
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
})

/**
 * Indents a document for a person to read. White space changes, so the result is for the screen and
 * not for sending. What comes in is trusted to be well-formed: read.ts is the judge of that.
 * @returns the text as it is where it cannot be taken apart
 */
export function prettyXml(text: string): string {
  try {
    return `${String(builder.build(parser.parse(text))).trim()}\n`
  } catch {
    // fast-xml-parser refuses names like "constructor" and instructions that hold a quote.
    return text
  }
}
