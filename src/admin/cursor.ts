import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { ValidationFailed } from './errors.ts'

/*
 * Cursors of lists: where the next page begins, in words that only we read. It names the last row by its key
 * (never a number of rows to skip), so pages neither repeat nor leave out what is there all the while.
 *
 *   const place = query.cursor && decodeCursor('accounts', query.cursor, Type.Tuple([Type.String()]))
 *   const rows = await readAccounts(db, { after: place?.[0], limit: limit + 1 })
 *   const { page, next } = toPage(rows, limit, (last) => encodeCursor('accounts', [last.name]))
 */

/** @param key of the last row of a page, as the list is ordered */
export function encodeCursor(list: string, key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url')
}

/**
 * @param schema of the key, a tuple
 * @throws ValidationFailed when it is not a cursor of this list
 */
export function decodeCursor<T extends TSchema>(
  list: string,
  cursor: string,
  schema: T,
): Static<T> {
  const [name, ...key] = readArray(cursor)
  // The database takes no NUL in a text.
  const holdsNul = key.some((part) => typeof part === 'string' && part.includes('\0'))
  if (name !== list || holdsNul || !Value.Check(schema, key)) {
    throw new ValidationFailed([
      {
        place: 'cursor',
        message: 'is none of this list: give "next" of an answer as it is, or leave it out',
      },
    ])
  }
  return key
}

function readArray(cursor: string): readonly unknown[] {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) return []
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}
