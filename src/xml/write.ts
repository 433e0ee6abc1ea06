/*
 * What XML 1.0 section 2.2 leaves out: most control characters, U+FFFE, U+FFFF and surrogates without
 * their other half. No reference can spell them, so one of them makes a whole response unreadable.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is sought
const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Cs}/gu

/*
 * Any surrogate leads to the slow path, paired or not: to tell them apart costs a regex with the u
 * flag, and a text that is plain, as nearly all are, is then tested in a third of the time.
 */
const suspectText = /[^\t\n\x20-\x25\x27-\x3b=\x3f-\ud7ff\ue000-\ufffd]/
const suspectAttribute = /[^\x20\x21\x23-\x25\x28-\x3b=\x3f-\ud7ff\ue000-\ufffd]/
const suspectCharacter = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/

// A parser turns a bare CR into LF, and LF, CR and tab in an attribute into spaces.
const textSpecials = /[&<>\r]/g
const attributeSpecials = /[&<>"'\t\n\r]/g

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

function toReference(character: string): string {
  return references[character] as string
}

/** Drops the characters that no XML 1.0 document can hold. */
export function removeIllegalCharacters(text: string): string {
  return suspectCharacter.test(text) ? text.replace(illegal, '') : text
}

/** For the content of an element: a parser gives back the text as it was, without illegal characters. */
export function escapeText(text: string): string {
  if (!suspectText.test(text)) return text
  return removeIllegalCharacters(text).replace(textSpecials, toReference)
}

/** For an attribute's value between double or single quotes: keeps tabs and line ends too. */
export function escapeAttribute(text: string): string {
  if (!suspectAttribute.test(text)) return text
  return removeIllegalCharacters(text).replace(attributeSpecials, toReference)
}
