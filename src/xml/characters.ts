// By code: 1 for what a name may begin with, 2 for what may stand in it behind that. ASCII alone, with the colon.
const ofNames = new Uint8Array(128)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_') {
  ofNames[char.charCodeAt(0)] = 1
}
for (const char of '0123456789.-:') ofNames[char.charCodeAt(0)] = 2

/** Whether a name of ASCII may begin with it. @param code NaN is none */
export function isNameStart(code: number): boolean {
  return ofNames[code] === 1
}

/** @returns where the name ends that begins at `at`; -1: it is not of ASCII alone */
export function endOfName(text: string, at: number): number {
  let end = at
  let code = text.charCodeAt(end)
  while (code < 128 && (ofNames[code] as number) > 0) {
    end += 1
    code = text.charCodeAt(end)
  }
  return code >= 128 ? -1 : end
}

/** Whether it is white space in XML, but for carriage returns. @param code NaN is none */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09
}

const blank = /^[ \t\n]*$/

export function isBlank(text: string): boolean {
  return blank.test(text)
}

/** What XML 1.0 does not allow as it stands, and the carriage return, which is read as another character. */
export const oddCharacters = /[^\t\n -\ufffd]/

const named: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])
const numbered = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/
const longestReference = 12

/** @returns the text with its references resolved; undefined where one of them is not plainly right */
export function decodeReferences(text: string): string | undefined {
  let decoded = ''
  let from = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', from)) {
    const end = text.indexOf(';', at)
    if (end < 0 || end - at > longestReference) return undefined
    const reference = text.slice(at + 1, end)
    const character = named.get(reference) ?? readNumber(reference)
    if (character === undefined) return undefined
    decoded += text.slice(from, at) + character
    from = end + 1
  }
  return decoded + text.slice(from)
}

function readNumber(reference: string): string | undefined {
  const [, hexadecimal, decimal] = numbered.exec(reference) ?? []
  const code = hexadecimal ? Number.parseInt(hexadecimal, 16) : Number(decimal)
  const isCharacter =
    code === 0x09 ||
    code === 0x0a ||
    code === 0x0d ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  return isCharacter ? String.fromCodePoint(code) : undefined
}

/** How many characters of Unicode stand from `from` to before `to`. */
export function countCharacters(text: string, from: number, to: number): number {
  let count = to - from
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at)
    if (code >= 0xdc00 && code <= 0xdfff) count -= 1
  }
  return count
}
