import type { Stream } from '../model/feed.ts'
import type { Producer } from '../stix/package.ts'
import {
  type LiveBlock,
  type NewBlock,
  reserveIds,
  supersedeBlocks,
  withdrawBlocks,
  writeBlocks,
} from '../store/blocks.ts'
import type { StoredCollection } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { readPermits } from '../store/views.ts'
import { concernChunks, placeMembers, prepareChunks, type TouchedChunks } from './prepare-chunks.ts'
import { prepareIndicators } from './prepare-indicators.ts'
import { createWork, type Draft, type Work } from './work.ts'

export type { Producer } from '../stix/package.ts'

/** What may have changed: indicators, and chunks of reports. */
export type Touched = TouchedChunks

/** Publications whose blocks are written and which nobody sees yet. */
export interface PreparedPublications {
  readonly publications: readonly {
    readonly id: number
    readonly stream: Stream
    readonly blockCount: number
    /** of its largest package */
    readonly largestBytes: number
  }[]
  readonly withdrawn: number
}

/**
 * Brings the blocks of what was touched in line with what the collections permit now: renders what is new
 * or says something else, supersedes what it replaces, withdraws what no longer belongs. What has not
 * changed keeps its block. Needs the intake lock; `publish` must follow in the same transaction.
 * @param isDue blocks that are published again although nothing in them has changed
 */
export async function prepareBlocks(
  db: Db,
  touched: Touched,
  collections: readonly StoredCollection[],
  producer: Producer,
  now: Date,
  isDue: (block: LiveBlock) => boolean = () => false,
): Promise<PreparedPublications> {
  const work = createWork({ db, collections, producer, now, isDue })
  const withChunks = concernChunks(collections)
  const chunkIds = new Set(withChunks ? touched.chunkIds : [])
  for (const indicatorIds of slicesOf(touched.indicatorIds, sliceIndicators)) {
    const permits = await readPermits(db, indicatorIds, collections, now)
    await prepareIndicators(work, indicatorIds, permits)
    if (!withChunks) continue
    for (const id of await placeMembers(work, { ...touched, indicatorIds }, permits))
      chunkIds.add(id)
  }
  // Behind all of them: a chunk that two of them touch is to have one block.
  if (withChunks) await prepareChunks(work, [...chunkIds])
  return writeDrafts(work)
}

// What is read and rendered of so many is some 20 MB: memory does not grow with what was touched.
const sliceIndicators = 2_500

function* slicesOf<T>(all: readonly T[], length: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += length) yield all.slice(from, from + length)
}

const sliceBlocks = 10_000

async function writeDrafts({ db, drafts, unwanted, outdated }: Work) {
  await withdrawBlocks(db, [...unwanted, ...outdated])
  const firstId = await reserveIds(db, 'publications', drafts.size)
  const publications = [...drafts.values()].map((draft, index) => ({
    id: firstId + index,
    ...draft,
  }))
  await supersedeBlocks(
    db,
    publications.flatMap(({ id, blocks }) =>
      blocks.flatMap(({ old }) => (old ? [{ block: old, by: id }] : [])),
    ),
  )
  for (const publication of publications) {
    for (const blocks of slicesOf(toNewBlocks(publication), sliceBlocks)) {
      await writeBlocks(db, blocks)
    }
  }
  return {
    publications: publications.map(({ id, stream, blocks }) => ({
      id,
      stream,
      blockCount: blocks.length,
      largestBytes: blocks.reduce((most, block) => Math.max(most, block.package.bytes), 0),
    })),
    withdrawn: unwanted.length,
  }
}

function toNewBlocks({ id, stream, blocks }: Draft & { id: number }): NewBlock[] {
  return blocks.map((block, ordinal) => ({
    publicationId: id,
    ordinal,
    subjectId: block.subjectId,
    stream,
    packageId: block.package.id,
    digest: block.package.digest,
    members: block.members,
  }))
}
