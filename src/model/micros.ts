/**
 * A moment as whole microseconds since 1970-01-01T00:00:00Z.
 * Labels, begins and ends are compared to the microsecond, which a JavaScript Date cannot hold.
 * Every function here keeps to ±(2^53 − 1), the years 1684 to 2255, inside which each one is exact.
 */
export type Micros = number

/** Writes a moment as `YYYY-MM-DDThh:mm:ss.ffffffZ`, the form that every TAXII client reads. */
export function formatMicros(moment: Micros): string {
  const held = clamp(moment)
  const millis = Math.floor(held / 1000)
  const rest = held - millis * 1000
  return `${new Date(millis).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

export function microsFromDate(date: Date): Micros {
  return clamp(date.getTime() * 1000)
}

const timestamp =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/**
 * Reads a TAXII 1.1 timestamp: a zone is mandatory, at most six fractional digits.
 * Clients write 0001-01-01 (.NET's least date) and 9999-12-31 where they mean "always": moments
 * beyond what Micros holds are read as its first or last one.
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
  return clamp(millis * 1000 + Number(fraction.padEnd(6, '0')))
}

function clamp(moment: Micros): Micros {
  return Math.min(Math.max(moment, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}
