import { normalForm } from '../model/normal-form.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { findIndicatorIds } from './assertions.ts'
import type { Db } from './db.ts'

export interface NamedIndicator {
  readonly id: number
  readonly type: ObservableType
  readonly value: string
}

/**
 * Finds the indicators that people mean by these words: in any spelling that has a normal form, of the given
 * type or of whatever type there is one of.
 * @returns for each word those that are in the store, mostly one; none is an empty list
 */
export async function findNamedIndicators(
  db: Db,
  words: readonly string[],
  type?: ObservableType,
): Promise<readonly (readonly NamedIndicator[])[]> {
  const types = type ? [type] : observableTypes
  const candidates = words.map((word) => [
    ...new Map(
      types.flatMap((one) => {
        const form = normalForm(one, word)
        return form.ok ? [[`${form.type} ${form.value}`, form] as const] : []
      }),
    ).values(),
  ])
  const ids = await findIndicatorIds(db, candidates.flat())
  let at = 0
  return candidates.map((forms) =>
    forms.flatMap(({ type, value }) => {
      const id = ids[at]
      at += 1
      return id === undefined ? [] : [{ id, type, value }]
    }),
  )
}
