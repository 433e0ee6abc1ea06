import type { ObservableType } from './observable.ts'

/** What an operator takes out of every feed: all that a source asserts, all that a report does, or indicators. */
export type RecallSubject =
  | { readonly source: string }
  | { readonly report: { readonly source: string; readonly externalId: string } }
  | {
      readonly indicators: readonly {
        readonly type: ObservableType
        readonly value: string
      }[]
    }

export interface Recall {
  readonly id: number
  /** for people: `source otx`, `report otx/5f…`, `3 indicators` */
  readonly subject: string
  readonly reason: string
  readonly recalledBy: string
  readonly recalledAt: Date
  readonly undoneBy: string | undefined
  readonly undoneAt: Date | undefined
  /** whether what other assertions still permit has been published again */
  readonly settled: boolean
}
