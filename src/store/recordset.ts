/**
 * Rows as the JSON that PostgreSQL's json_to_recordset reads. Its text holds neither NUL nor half of a
 * surrogate pair; one of them, from whatever upstream, would fail the whole batch, again at each try.
 */
export function recordset(rows: readonly object[]): string {
  const json = JSON.stringify(rows)
  // May also match a backslash that stands for itself: then the slow way is taken for nothing.
  if (!/\\u(?:0000|d[89a-f])/i.test(json)) return json
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '') : value,
  )
}
