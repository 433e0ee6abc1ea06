import { InvalidArgumentError } from 'commander'

const unitsMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A date, a date with a time (of UTC where it names no zone), or how long ago: `30m`, `12h`, `7d`. */
export function parseMoment(text: string, now: Date = new Date()): Date {
  const ago = /^(\d{1,5})([mhd])$/.exec(text)
  if (ago) return new Date(now.getTime() - Number(ago[1]) * unitsMs[ago[2] as 'm' | 'h' | 'd'])
  const moment =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text)
  const [, day, time = '00:00', zone = 'Z'] = moment ?? []
  const date = new Date(`${day}T${time}${zone}`)
  // Date takes 30 February for 1 or 2 March.
  const exists = moment && !Number.isNaN(date.getTime()) && isDay(day)
  if (exists) return date
  throw new InvalidArgumentError('must be like 2026-11-21, 2026-11-21T09:00, 30m, 12h or 7d.')
}

function isDay(day: string | undefined): boolean {
  const date = new Date(`${day}T00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${day}`)
}
