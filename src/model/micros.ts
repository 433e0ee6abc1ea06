/**
 * A moment as whole microseconds since 1970-01-01T00:00:00Z.
 * Labels, begins and ends are compared to the microsecond, which a JavaScript Date cannot hold.
 * Stays below 2^53 until the year 2255.
 */
export type Micros = number

/** Writes a moment as `YYYY-MM-DDThh:mm:ss.ffffffZ`, the form that every TAXII client reads. */
export function formatMicros(moment: Micros): string {
  const millis = Math.floor(moment / 1000)
  const rest = moment - millis * 1000
  return `${new Date(millis).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

export function microsFromDate(date: Date): Micros {
  return date.getTime() * 1000
}

const timestamp =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/**
 * Reads a TAXII 1.1 timestamp: a zone is mandatory, at most six fractional digits.
 * @returns undefined for anything else, dates that do not exist included
 */
export function parseMicros(text: string): Micros | undefined {
  const match = timestamp.exec(text)
  if (!match) return undefined
  const [, seconds, fraction = '', zone] = match as unknown as [string, string, string?, string?]
  const local = Date.parse(`${seconds}Z`)
  const millis = Date.parse(`${seconds}${zone}`)
  if (Number.isNaN(local) || Number.isNaN(millis)) return undefined
  // Date.parse turns 30 February into 1 or 2 March.
  if (new Date(local).toISOString().slice(0, 19) !== seconds) return undefined
  return millis * 1000 + Number(fraction.padEnd(6, '0'))
}
