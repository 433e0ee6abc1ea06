import type { ContentBinding } from './collection.ts'
import type { ObservableType } from './observable.ts'
import type { Override } from './override.ts'
import type { Tlp } from './tlp.ts'

/** All that the store knows of one indicator, and why each collection has it or has it not. */
export interface IndicatorStory {
  readonly type: ObservableType
  /** the normal form */
  readonly value: string
  readonly assertions: readonly StoryAssertion[]
  /** withdrawals by operators that keep any of its assertions out, the newest first */
  readonly recalls: readonly StoryRecall[]
  /** the newest first, those that are over too */
  readonly overrides: readonly Override[]
  /** those that hold it first, then by name */
  readonly collections: readonly StoryCollection[]
}

export interface StoryAssertion {
  readonly id: number
  readonly source: string
  readonly report: StoryReport | undefined
  readonly title: string
  readonly role: string
  readonly tlp: Tlp
  readonly assertedConfidence: number
  /** what policy and warninglists make of it */
  readonly confidence: number
  readonly validFrom: Date
  readonly validUntil: Date | undefined
  /** by the source's word or by its age; undefined: never */
  readonly endsAt: Date | undefined
  readonly active: boolean
  readonly refuted: boolean
  /** whether a reason keeps it out of every collection */
  readonly suppressed: boolean
  readonly suppressions: readonly StorySuppression[]
  readonly remarks: readonly StoryRemark[]
  /** numbers of the withdrawals that keep it out */
  readonly recalls: readonly number[]
}

export interface StoryReport {
  readonly externalId: string
  readonly name: string
  readonly author: string
  readonly tlp: Tlp
  readonly public: boolean
  readonly revision: string
  readonly modified: Date
  /** why the source has it no more; undefined: it has */
  readonly gone: string | undefined
  /** false while it is being taken in */
  readonly whole: boolean
  /** whether its newest version still asserts this */
  readonly current: boolean
}

export interface StorySuppression {
  readonly reason: string
  readonly rule: string
  readonly detail: string
  readonly since: Date
  /** false: each collection decides for itself */
  readonly counts: boolean
  readonly liftedBy: { readonly override: number; readonly until: Date } | undefined
}

export interface StoryRemark {
  readonly rule: string
  readonly detail: string
  /** of the warninglist that spoke: 'lower' or 'inform'; undefined: the list is gone, or it was none */
  readonly effect: string | undefined
}

export interface StoryRecall {
  readonly id: number
  /** `source otx`, `report otx/5f…` or `indicator` */
  readonly subject: string
  readonly reason: string
  readonly recalledBy: string
  readonly recalledAt: Date
}

export interface StoryCollection {
  readonly name: string
  /** whether polls get it now */
  readonly holds: boolean
  /** accounts that may poll the collection, apart from administrators */
  readonly accounts: readonly string[]
  /** why it is not held; of one that holds it, what is about to change */
  readonly why: readonly StoryWhy[]
  readonly streams: readonly StoryStream[]
}

export interface StoryWhy {
  readonly kind:
    | 'suppressed'
    | 'withdrawn'
    | 'profile'
    | 'tlp'
    | 'not-public'
    | 'rule'
    | 'pending'
    | 'unasserted'
  readonly text: string
}

/** An indicator's blocks in one stream, as far as a purge has left them. */
export interface StoryStream {
  readonly binding: ContentBinding
  readonly live: boolean
  readonly firstPublished: Date
  readonly lastPublished: Date
  /** since when it is served without a break; undefined: it is not */
  readonly since: Date | undefined
  readonly blocks: number
  readonly superseded: number
  readonly withdrawnAt: Date | undefined
}
