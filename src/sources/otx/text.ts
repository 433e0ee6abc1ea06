/** What XML 1.0 cannot carry in any spelling (section 2.2): control characters, lone surrogates, two non-characters. */
const illegalInXml = /[\p{Cc}--[\t\n\r\u007f-\u009f]]|\p{Cs}|[\ufffe\uffff]/v
const allIllegalInXml = new RegExp(illegalInXml, 'gv')

/** Removes what no XML document may hold; real tags and descriptions hold such characters. */
export function legalText(text: string): string {
  // Nearly every text is clean, and a test allocates nothing.
  return illegalInXml.test(text) ? text.replace(allIllegalInXml, '') : text
}

/** A text on one line: what tags, names and ids are. */
export function legalLine(text: string): string {
  return legalText(text.replace(/\s+/g, ' ')).trim()
}

/** The distinct lines of a list, in their first order; `null` and a single text are lists too. */
export function legalLines(list: unknown, lineOf: (item: unknown) => string): string[] {
  const items = Array.isArray(list) ? list : [list]
  const lines = new Set<string>()
  for (const item of items) {
    const line = legalLine(lineOf(item))
    if (line !== '') lines.add(line)
  }
  return [...lines]
}

export function shorten(text: string, maxLength: number): string {
  // Cutting may split a surrogate pair, hence the order.
  return legalText(text.slice(0, maxLength))
}

/** Takes the key out of what an upstream said, in whatever case it was echoed. */
export function withoutKey(text: string, key: string): string {
  const at = text.toLowerCase().indexOf(key.toLowerCase())
  if (at < 0) return text
  return `${text.slice(0, at)}…${withoutKey(text.slice(at + key.length), key)}`
}
