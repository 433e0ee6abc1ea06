const seconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/
/** What may follow the seconds: a fraction and a zone. */
const remainder = /^(?:\.(\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/

const earliest = Date.UTC(1990, 0, 1)
/** Feeds count in microseconds, which are exact until 2255; a later date is a filler such as 9999-12-31. */
const latest = Date.UTC(2200, 0, 1)

export type DateFault = 'date-unreadable' | 'date-out-of-range'

/**
 * Reads OTX's timestamps: UTC where no zone is named, 0 to 9 fractional digits, of which three are kept.
 * Half a million of them come in a first walk, hence the detour around the remainder.
 */
export function readDate(text: string): Date | DateFault {
  if (!seconds.test(text)) return 'date-unreadable'
  const local = Date.parse(`${text.slice(0, 19)}Z`)
  // Date.parse takes 30 February for 2 March, and 24:00 for the next day.
  if (new Date(local).getUTCDate() !== Number(text.slice(8, 10))) return 'date-unreadable'
  const offset = text.length === 19 ? 0 : readRemainder(text.slice(19))
  if (offset === undefined) return 'date-unreadable'
  const moment = local + offset
  return moment >= earliest && moment < latest ? new Date(moment) : 'date-out-of-range'
}

/** @returns the milliseconds to add to the time before it, so that the sum is UTC */
function readRemainder(text: string): number | undefined {
  const match = remainder.exec(text)
  if (!match) return undefined
  const [, fraction = '', zone = 'Z'] = match
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'))
  if (zone === 'Z') return milliseconds
  const offset = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 60_000
  return zone.startsWith('-') ? milliseconds + offset : milliseconds - offset
}
