import type { ObservableType } from './observable.ts'
import type { Tlp } from './tlp.ts'

/** One surviving assertion with what its report says of it: what a collection may show of an indicator. */
export interface PermittedAssertion {
  readonly source: string
  readonly author: string
  readonly reportId: string
  readonly reportName: string
  readonly reportReferences: readonly string[]
  readonly title: string
  readonly description: string
  readonly role: string
  readonly tlp: Tlp
  readonly confidence: number
  readonly validFrom: Date
  readonly validUntil: Date | undefined
  /** how often the source says that it was seen; undefined: it does not say */
  readonly sightings: number | undefined
  /** what the report says of who is behind it and how they work; '' and [] where it says nothing */
  readonly adversary: string
  readonly malwareFamilies: readonly string[]
  /** such as T1566.001; sources write names here too */
  readonly attackIds: readonly string[]
}

/** An indicator as one collection may see it. `assertions` is never empty and is in a fixed order. */
export interface IndicatorView {
  readonly type: ObservableType
  /** the normal form */
  readonly value: string
  readonly assertions: readonly PermittedAssertion[]
}
