import { readFile } from 'node:fs/promises'
import { ConfigError, IndicatorNotFound } from '../model/errors.ts'
import type { ObservableType } from '../model/observable.ts'
import type { Db } from '../store/db.ts'
import { findNamedIndicators, type NamedIndicator } from '../store/named-indicators.ts'
import { printable } from './table.ts'

export interface ValuesOptions {
  readonly type?: ObservableType
  readonly file?: string
}

/**
 * Values as arguments and those of a file, one a line.
 * @throws ConfigError when there are none
 */
export async function readValues(
  values: readonly string[],
  { file }: Pick<ValuesOptions, 'file'>,
): Promise<readonly string[]> {
  const all = [...values, ...(file ? await readLines(file) : [])]
  if (all.length === 0) throw new ConfigError('name a value, or a --file of them')
  return all
}

/**
 * The indicators that values mean.
 * @param undone what was not done, for the message
 * @throws IndicatorNotFound when one of them is not in the store
 */
export async function getNamedIndicators(
  db: Db,
  values: readonly string[],
  type: ObservableType | undefined,
  undone: string,
): Promise<readonly NamedIndicator[]> {
  const found = await findNamedIndicators(db, values, type)
  const unknown = values.filter((_, index) => found[index]?.length === 0)
  if (unknown.length === 0) return found.flat()
  const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : ''
  const names = unknown.slice(0, 5).map(named).join(', ')
  throw new IndicatorNotFound(`no indicator in the store: ${names}${more}; ${undone}`)
}

/** A value as it can stand in a sentence. */
export function named(value: string): string {
  return value.trim() === '' ? `"${printable(value)}"` : printable(value)
}

async function readLines(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${file} cannot be read (${cause.code})`, { cause })
  })
  // A URL may hold a #, so that only one after a blank begins a comment.
  const lines = text.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, '').trim())
  return lines.filter((line) => line !== '')
}
