import type { PermittedAssertion } from '../model/indicator.ts'
import { removeIllegalCharacters } from '../xml/write.ts'

export const maxTitleLength = 255
export const maxDescriptionLength = 1024

interface Room {
  readonly count: number
  /** in UTF-16 units, all together */
  readonly length: number
}
// Every indicator of a report repeats the report's references, a hundred thousand times in a large feed.
const maxIndicatorReferences: Room = { count: 5, length: 600 }
/** A header stands once for up to a hundred indicators. */
export const maxReportReferences: Room = { count: 50, length: 8000 }
const maxReferenceLength = 600

function truncate(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const cut = text.slice(0, maxLength - 1)
  const splitsPair = /[\ud800-\udbff]$/.test(cut)
  return `${splitsPair ? cut.slice(0, -1) : cut}…`
}

const untidyLine = /[^\x21-\ud7ff\ue000-\ufffd ]|^ | {2}| $/

/** One line without illegal characters, cut to a length in UTF-16 units. */
export function toLine(text: string, maxLength: number): string {
  const line = untidyLine.test(text)
    ? removeIllegalCharacters(text).replace(/\s+/g, ' ').trim()
    : text
  return truncate(line, maxLength)
}

/** As toLine, but keeps line breaks, as LF. */
export function toParagraphs(text: string, maxLength: number): string {
  const tidy = removeIllegalCharacters(text)
  const paragraphs = tidy.includes('\r') ? tidy.replace(/\r\n?/g, '\n') : tidy
  return truncate(paragraphs.trim(), maxLength)
}

/** What a source calls the indicator: the claim's own title, else that of the report that holds it. */
export function findTitle(assertions: readonly PermittedAssertion[]): string | undefined {
  for (const assertion of assertions) {
    const title =
      toLine(assertion.title, maxTitleLength) || toLine(assertion.reportName, maxTitleLength)
    if (title !== '') return title
  }
  return undefined
}

/** `author (source)`, without what is missing. */
export function tellOrigin(author: string, source: string): string {
  const who = toLine(author, maxTitleLength)
  const where = toLine(source, maxTitleLength)
  return who && where ? `${who} (${where})` : who || where
}

/** `report (author, source): role R: title: description`, without what is missing. */
function describe(assertion: PermittedAssertion): string {
  const author = toLine(assertion.author, maxTitleLength)
  const source = toLine(assertion.source, maxTitleLength)
  const origin = author && source ? `${author}, ${source}` : author || source
  let text = toLine(assertion.reportName, maxTitleLength)
  if (origin) text += text ? ` (${origin})` : origin
  const append = (part: string): void => {
    if (part) text += text ? `: ${part}` : part
  }
  if (assertion.role) append(`role ${toLine(assertion.role, maxTitleLength)}`)
  append(toLine(assertion.title, maxTitleLength))
  append(toParagraphs(assertion.description, maxDescriptionLength))
  return text
}

/** What each assertion says, a line or more for each, without saying the same twice. */
export function describeAll(assertions: readonly PermittedAssertion[]): string {
  const said: string[] = []
  let length = 0
  for (const assertion of assertions) {
    // Hundreds of reports may name one indicator, and what is said past the limit is cut anyway.
    if (length > maxDescriptionLength) break
    const text = describe(assertion)
    if (text === '' || said.includes(text)) continue
    said.push(text)
    length += text.length + 1
  }
  return truncate(said.join('\n'), maxDescriptionLength)
}

// What nearly every reference looks like: already in order, so that the URL parser need not run.
const plainWebAddress =
  /^https?:\/\/[a-z0-9][a-z0-9.-]*(?::\d{1,5})?(?:\/[!$&-;=?-Z_a-z~]*)?(?:#[!$&-;=?-Z_a-z~]*)?$/
const webAddress = /^https?:\/\/[!$&-;=?-Z_a-z~%]+(?:#[!$&-;=?-Z_a-z~%]*)?$/
const badPercent = /%(?![0-9A-Fa-f]{2})/

/**
 * A reference as the schema's anyURI takes it, or undefined for what is no web address:
 * OTX's references are free text, and a single stray space or bracket makes a package invalid.
 */
export function findWebAddress(text: string): string | undefined {
  if (text.length > maxReferenceLength) return undefined
  if (plainWebAddress.test(text)) return text
  if (!URL.canParse(text)) return undefined
  const { href, host, username, password } = new URL(text)
  if (host === '' || username !== '' || password !== '') return undefined
  return webAddress.test(href) && !badPercent.test(href) ? href : undefined
}

/** The web addresses that the assertions' reports refer to, each once, as many as there is room for. */
export function collectReferences(assertions: readonly PermittedAssertion[]): readonly string[] {
  const only = assertions.length === 1 ? assertions[0]?.reportReferences : undefined
  const references = only ?? assertions.flatMap(({ reportReferences }) => reportReferences)
  return selectReferences(references, maxIndicatorReferences)
}

/** The web addresses among the references, each once, as many as there is room for. */
export function selectReferences(references: readonly string[], room: Room): readonly string[] {
  const found = new Set<string>()
  let length = 0
  for (const reference of references) {
    const address = findWebAddress(reference)
    if (address === undefined || found.has(address)) continue
    if (length + address.length > room.length) continue
    length += address.length
    found.add(address)
    if (found.size === room.count) break
  }
  return [...found]
}
