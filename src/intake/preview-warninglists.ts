import { compileWarninglists, type Warninglist } from '../curation/warninglists.ts'
import { isObservableType } from '../model/observable.ts'
import type { Db } from '../store/db.ts'
import { readIndicatorKeys } from '../store/indicator-keys.ts'
import { findServed } from '../store/live.ts'
import { readCountingOverrides } from '../store/verdicts.ts'

const batchIndicators = 10_000
const mostNamed = 1_000

export interface ListedIndicator {
  readonly type: string
  readonly value: string
  readonly list: string
  readonly entry: string
}

export interface WarninglistPreview {
  /** how many were looked at */
  readonly indicators: number
  /** served now, and with these lists no more */
  readonly keptOut: number
  /** the first 1,000 of them */
  readonly named: readonly ListedIndicator[]
  /** served now and then, with less confidence */
  readonly lowered: number
}

/**
 * What these lists would change of what is served now, without writing. What an analyst has lifted stays
 * served.
 */
export async function previewWarninglists(
  db: Db,
  lists: readonly Warninglist[],
  now: Date,
  onProgress: (indicators: number) => void = () => {},
): Promise<WarninglistPreview> {
  const find = compileWarninglists(lists)
  const total = { indicators: 0, keptOut: 0, lowered: 0 }
  const named: ListedIndicator[] = []
  for (let after = 0; ; ) {
    const keys = await readIndicatorKeys(db, after, batchIndicators)
    const listed = keys.flatMap((key) => {
      const matches = isObservableType(key.type) ? find(key.type, key.value) : []
      const whole = matches.filter((match) => match.whole && match.list.effect !== 'inform')
      return whole.length > 0 ? [{ key, whole }] : []
    })
    const served = await findServed(
      db,
      listed.map(({ key }) => key.id),
    )
    const overrides = await readCountingOverrides(db, [...served], now)
    for (const { key, whole } of listed) {
      if (!served.has(key.id)) continue
      const lifted = (overrides.get(key.id) ?? []).filter(({ reason }) => reason === 'warninglist')
      const blocking = whole.find(
        ({ list }) =>
          list.effect === 'block' &&
          !lifted.some(({ rule }) => rule === undefined || rule === `warninglist:${list.name}`),
      )
      if (!blocking) {
        if (whole.some(({ list }) => list.effect === 'lower')) total.lowered += 1
        continue
      }
      total.keptOut += 1
      const { type, value } = key
      const { list, entry } = blocking
      if (named.length < mostNamed) named.push({ type, value, list: list.name, entry })
    }
    total.indicators += keys.length
    onProgress(keys.length)
    const last = keys.at(-1)
    if (!last || keys.length < batchIndicators) return { ...total, named }
    after = last.id
  }
}
