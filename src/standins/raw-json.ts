interface RawJson {
  rawJSON(text: string): object
}

/** A value that JSON.stringify writes as it stands: numbers that a double would change. (Younger than TypeScript's library.) */
export function rawJson(text: string): object {
  return (JSON as unknown as RawJson).rawJSON(text)
}

/** A number that survives neither as a double nor in its spelling, such as 2.0 or 2^64. */
const changes = (text: string) => String(Number(text)) !== text

/** Reads JSON so that JSON.stringify writes the same numbers again, digit by digit. */
export function parseKeepingNumbers(text: string): unknown {
  const revive = (_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === 'number' && changes(context.source ?? '')
      ? rawJson(context.source ?? '')
      : value
  return JSON.parse(text, revive as unknown as (key: string, value: unknown) => unknown)
}
