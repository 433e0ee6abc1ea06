import type { ContentBinding } from './collection.ts'
import type { Micros } from './micros.ts'

/** What one poll reads: the blocks of one collection rendered in one binding. */
export interface Stream {
  readonly collectionId: number
  readonly binding: ContentBinding
}

/**
 * A stream as it was at a moment: with the blocks that were live then, apart from those that have been
 * withdrawn since. What was superseded since is still read, so that an answer in parts stays what it was.
 */
export interface Snapshot extends Stream {
  /** the collection's newest publication at that moment; 0 when it had none */
  readonly asOf: number
}

/** Labels after `begin` up to and with `end`, as TAXII counts: exclusive begin, inclusive end. */
export interface LabelRange {
  /** undefined: from the first block ever */
  readonly begin: Micros | undefined
  readonly end: Micros
}

/** A block as polls send it: the bytes of a rendered STIX package under the label that it was given. */
export interface FeedBlock {
  readonly label: Micros
  readonly content: string
}

/** A poll's answer frozen into parts, so that any part can be asked for again. Part n is element n − 1. */
export interface ResultSet {
  /** unguessable */
  readonly id: string
  readonly accountId: number
  readonly snapshot: Snapshot
  readonly range: LabelRange
  /** each part's last label; a part begins after the part before it */
  readonly partEnds: readonly Micros[]
  /** whether the range begins before what the poll asked for */
  readonly beginMoved: boolean
  /** live blocks when the set was made */
  readonly recordCount: number
  /** the subscription that was polled by */
  readonly subscriptionId: string | undefined
  /** the newest withdrawal when the set was read: whatever is read of its parts later knows that one */
  readonly lastWithdrawal: number
}
