const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,20})?(Z|[+-]\d\d:\d\d)?$/

/**
 * Reads an xs:dateTime as STIX has them; without a zone it is taken for UTC.
 * @returns undefined for what is none, or lies outside of the years 1970 to 9999
 */
export function readMoment(text: string | undefined): Date | undefined {
  const match = text === undefined ? undefined : dateTime.exec(text)
  if (!match) return undefined
  const moment = new Date(match[1] === undefined ? `${match[0]}Z` : match[0])
  const year = moment.getUTCFullYear()
  return year >= 1970 && year <= 9999 ? moment : undefined
}

// STIX 2.1, appendix A, gives the words of HighMediumLowVocab-1.0 these numbers.
const confidences: ReadonlyMap<string, number> = new Map([
  ['none', 0],
  ['low', 15],
  ['medium', 50],
  ['high', 85],
])
const ofNoWord = 50

/** 0 to 100. What says nothing, or another word such as Unknown, is of medium confidence. */
export function confidenceOf(word: string | undefined): number {
  const text = word?.trim().toLowerCase() ?? ''
  if (/^(100|\d{1,2})$/.test(text)) return Number(text)
  return confidences.get(text) ?? ofNoWord
}
