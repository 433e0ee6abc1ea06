import { parseMicros } from '../model/micros.ts'
import { ValidationFailed } from './errors.ts'

/**
 * Reads a moment that the schema's format accepts: a leap second is one there, and no Date.
 * @param place as of a Fault
 * @throws ValidationFailed
 */
export function readMoment(place: string, text: string): Date {
  const micros = parseMicros(text)
  if (micros === undefined) {
    throw new ValidationFailed([
      { place, message: 'must be a moment such as 2026-06-01T00:00:00Z' },
    ])
  }
  return new Date(micros / 1000)
}
