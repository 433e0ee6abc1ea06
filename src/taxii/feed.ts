import type { Account } from '../model/account.ts'
import type { Collection } from '../model/collection.ts'
import type { FeedBlock, LabelRange, ResultSet, Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { notFound } from './refusal.ts'

/** What TAXII needs of the store. All of it may throw StoreUnavailable. */
export interface Feed {
  /** only those that the account may read */
  listCollections(account: Account): Promise<readonly Collection[]>
  /** undefined also for one that exists but that the account may not read: nobody learns of it */
  findCollection(account: Account, name: string): Promise<Collection | undefined>
  /**
   * Fixes the range of one poll under the collection's shared lock, so that no block can still be
   * published inside it. The end is never beyond `safe`, the database's clock at that instant.
   */
  fixRange(
    account: Account,
    collection: Collection,
    asked: { readonly begin?: Micros; readonly end?: Micros },
  ): Promise<{ range: LabelRange; safe: Micros }>
  /** live blocks in the range */
  countBlocks(stream: Stream, range: LabelRange): Promise<number>
  /**
   * Live blocks in the order of their labels, in batches of bounded size. Nothing is held open
   * between batches: a client may read slowly, or never go on.
   */
  readBlocks(stream: Stream, range: LabelRange): AsyncIterable<readonly FeedBlock[]>
  createResultSet(
    account: Account,
    stream: Stream,
    range: LabelRange,
    pageSize: number,
  ): Promise<ResultSet>
  /** undefined when it never was, is gone, or belongs to another account */
  findResultSet(account: Account, id: string): Promise<ResultSet | undefined>
  /**
   * Moves a set's part ends, for good, unless another request has moved them since `set` was read.
   * The number of parts stays, and so does the last end.
   * @returns the set as it is stored now
   */
  movePartEnds(set: ResultSet, partEnds: readonly Micros[]): Promise<ResultSet>
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
