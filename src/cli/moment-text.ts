/** A moment to the minute, as UTC: enough for a person, and half as wide. */
export function minute(moment: Date): string {
  return `${moment.toISOString().slice(0, 16)}Z`
}

/** The day of a moment, as UTC. */
export function day(moment: Date): string {
  return moment.toISOString().slice(0, 10)
}
