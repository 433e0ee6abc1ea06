import type { Account } from '../model/account.ts'
import type { Collection } from '../model/collection.ts'
import type { FeedBlock, LabelRange, ResultSet, Snapshot, Stream } from '../model/feed.ts'
import type { PollOutcome } from '../model/ledger.ts'
import type { Micros } from '../model/micros.ts'
import type { Subscription, SubscriptionStatus, SubscriptionTerms } from '../model/subscription.ts'
import { notFound } from './refusal.ts'

/** Who polls, as the ledger knows him. */
export interface Poller {
  readonly account: Account
  readonly address: string
  readonly userAgent: string
}

export interface FixedRange {
  /** the poll's entry in the ledger */
  readonly pollId: number
  readonly range: LabelRange
  readonly snapshot: Snapshot
  /** true: nothing lies in the range; false: there may be something */
  readonly isEmpty: boolean
}

/** A collection that an account may do something with. */
export interface AccessibleCollection extends Collection {
  /** by the account's role and grants; what a token may is another matter */
  readonly access: { readonly read: boolean; readonly send: boolean }
  /** records on a typical day; undefined: not known */
  readonly volume: number | undefined
}

/** What TAXII needs of the store. All of it may throw StoreUnavailable. */
export interface Feed {
  /** those that the account may read or send to */
  listCollections(account: Account): Promise<readonly AccessibleCollection[]>
  /** whether there is a collection that the account may send Inbox_Messages to */
  maySend(account: Account): Promise<boolean>
  /** undefined also for one that exists but that the account may not read: nobody learns of it */
  findCollection(account: Account, name: string): Promise<Collection | undefined>
  /**
   * Fixes what one poll considers, so that no block can be published inside it any more, and enters the
   * poll in the ledger. The end is never beyond the database's clock at that instant. The begin is not
   * always the one that was asked: a client that goes on from where we were not yet gets the rest too.
   */
  fixRange(
    poller: Poller,
    stream: Stream,
    asked: { readonly begin?: Micros; readonly end?: Micros; readonly countsOnly: boolean },
  ): Promise<FixedRange>
  /** how many blocks there are to read */
  countBlocks(snapshot: Snapshot, range: LabelRange): Promise<number>
  /**
   * Blocks in the order of their labels, in batches of bounded size. Nothing is held open between batches:
   * a client may read slowly, or never go on. What is withdrawn meanwhile is left out.
   */
  readBlocks(snapshot: Snapshot, range: LabelRange): AsyncIterable<readonly FeedBlock[]>
  createResultSet(
    account: Account,
    snapshot: Snapshot,
    range: LabelRange,
    pageSize: number,
    beginMoved?: boolean,
    subscriptionId?: string,
  ): Promise<ResultSet>
  /** One that is not ended and the same is taken as it is. */
  subscribe(terms: SubscriptionTerms): Promise<Subscription>
  /** undefined when it never was, belongs to another account, or is of another collection */
  findSubscription(
    account: Account,
    collection: Collection,
    id: string,
  ): Promise<Subscription | undefined>
  /** the account's to this collection, the oldest first; those that are ended too */
  listSubscriptions(account: Account, collection: Collection): Promise<readonly Subscription[]>
  /**
   * Changes the status of one that is not ended.
   * @returns it as it is stored now; undefined as of `findSubscription`
   */
  changeSubscription(
    account: Account,
    collection: Collection,
    id: string,
    status: SubscriptionStatus,
  ): Promise<Subscription | undefined>
  /** undefined when it never was, is gone, or belongs to another account */
  findResultSet(account: Account, id: string): Promise<ResultSet | undefined>
  /**
   * Moves a set's part ends, for good, unless another request has moved them since `set` was read.
   * The number of parts stays, and so does the last end.
   * @returns the set as it is stored now
   */
  movePartEnds(set: ResultSet, partEnds: readonly Micros[]): Promise<ResultSet>
  /** Notes in a poll's entry that a set's first part answers it; again, when that part has moved. */
  noteFirstPart(pollId: number, resultId: string, range: LabelRange): Promise<void>
  /**
   * Enters a part that is fetched by itself in the ledger, `set` being what was found for it.
   * @returns the entry's id
   */
  enterPart(
    poller: Poller,
    set: ResultSet,
    part: { readonly resultPartNumber: number; readonly range: LabelRange },
  ): Promise<number>
  /** Corrects the range of a part that has moved since it was entered. */
  correctPart(pollId: number, range: LabelRange): Promise<void>
  /** Completes entries of the ledger. Those that are complete stay as they are. */
  completePolls(outcomes: readonly PollOutcome[]): Promise<void>
}

/** @throws TaxiiRefusal NOT_FOUND, with the same words whether it is absent or not granted */
export async function getCollection(
  feed: Feed,
  account: Account,
  name: string,
): Promise<Collection> {
  const collection = await feed.findCollection(account, name)
  if (!collection) throw notFound('collection', name)
  return collection
}
