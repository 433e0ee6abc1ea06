import { setImmediate } from 'node:timers/promises'
import { type Collection, contentBindings } from '../model/collection.ts'
import type { Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { type Producer, type RenderedPackage, renderIndicator } from '../stix/package.ts'
import { isPublishable } from '../stix/profiles.ts'
import {
  findNewestBlocks,
  type LiveBlock,
  type NewBlock,
  reserveIds,
  supersedeBlocks,
  withdrawBlocks,
  writeBlocks,
} from '../store/blocks.ts'
import type { Db } from '../store/db.ts'
import { createPackageWriter } from '../store/packages.ts'
import { type IndicatorWithPermits, readPermits } from '../store/views.ts'

export type { Producer } from '../stix/package.ts'

/** Publications whose blocks are written and which nobody sees yet. */
export interface PreparedPublications {
  readonly publications: readonly {
    readonly id: number
    readonly stream: Stream
    readonly blockCount: number
  }[]
  readonly withdrawn: number
}

/**
 * Brings the blocks of these indicators in line with what the collections permit now: renders what is new
 * or says something else, supersedes what it replaces, withdraws what no longer belongs. What has not
 * changed keeps its block. Needs the intake lock; `publish` must follow in the same transaction.
 * @param isDue blocks that are published again although nothing in them has changed
 */
export async function prepareBlocks(
  db: Db,
  indicatorIds: readonly number[],
  collections: readonly Collection[],
  producer: Producer,
  now: Date,
  isDue: (block: LiveBlock) => boolean = () => false,
): Promise<PreparedPublications> {
  const permits = await readPermits(db, indicatorIds, collections, now)
  const newest = await readNewest(db, indicatorIds, collections)
  const storePackages = await createSharedPackageWriter(
    db,
    permits.length * collections.length,
    now,
  )
  const drafts = new Map<string, Draft>()
  const writes: Promise<void>[] = []
  for (let from = 0; from < permits.length; from += chunkIndicators) {
    const fresh: SharedPackage[] = []
    for (const indicator of permits.slice(from, from + chunkIndicators)) {
      for (const wanted of renderFor(indicator, collections, producer)) {
        const old = takeOut(newest, blockKey(wanted.stream, indicator.indicatorId))
        const same = old && !old.withdrawn && old.digest === wanted.package.digest
        if (same && !isDue(old)) continue
        if (!wanted.package.listed) {
          wanted.package.listed = true
          fresh.push(wanted.package)
        }
        const draft = getDraft(drafts, wanted.stream)
        draft.blocks.push({ subjectId: indicator.indicatorId, package: wanted.package, old })
      }
    }
    // The database stores these while the next are rendered, and whoever polls meanwhile is served.
    const write = storePackages(fresh)
    write.catch(() => {}) // thrown below, with all others
    writes.push(write)
    await setImmediate()
  }
  await Promise.all(writes)

  const unwanted = [...newest.values()].filter((block) => !block.withdrawn)
  await withdrawBlocks(db, unwanted)
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
  for (const publication of publications) await writeBlocks(db, toNewBlocks(publication))
  return {
    publications: publications.map(({ id, stream, blocks }) => ({
      id,
      stream,
      blockCount: blocks.length,
    })),
    withdrawn: unwanted.length,
  }
}

// Some 5 ms of rendering: a poll that comes in meanwhile waits no longer.
const chunkIndicators = 250

function takeOut(newest: Map<string, LiveBlock>, key: string): LiveBlock | undefined {
  const block = newest.get(key)
  newest.delete(key)
  return block
}

function getDraft(drafts: Map<string, Draft>, stream: Stream): Draft {
  const key = blockKey(stream, 0)
  const found = drafts.get(key)
  if (found) return found
  const draft = { stream, blocks: [] }
  drafts.set(key, draft)
  return draft
}

interface Draft {
  readonly stream: Stream
  readonly blocks: {
    readonly subjectId: number
    readonly package: SharedPackage
    readonly old: LiveBlock | undefined
  }[]
}

interface SharedPackage {
  id: number
  listed: boolean
  readonly digest: string
  readonly rendered: RenderedPackage
}

/** What each collection should have of this indicator; collections that show the same share one package. */
function* renderFor(
  indicator: IndicatorWithPermits,
  collections: readonly Collection[],
  producer: Producer,
): Generator<{ stream: Stream; package: SharedPackage }> {
  const shared = new Map<string, SharedPackage>()
  // By the collections that permit something: there may be hundreds, of which an indicator is in a few.
  const places = new Set(indicator.permitted.flatMap((one) => one.collections))
  for (const place of [...places].sort((a, b) => a - b)) {
    const { id: collectionId, profile, cidr, bindings } = collections[place] as Collection
    if (!isPublishable({ profile, cidr }, indicator.type, indicator.value)) continue
    const permitted = indicator.permitted.filter((one) => one.collections.includes(place))
    const which = permitted.map((one) => indicator.permitted.indexOf(one)).join()
    for (const binding of bindings) {
      const key = `${profile} ${cidr} ${binding} ${which}`
      let found = shared.get(key)
      if (!found) {
        const assertions = permitted.map((one) => one.assertion)
        const { type, value } = indicator
        const rendered = renderIndicator(
          { type, value, assertions },
          { binding, profile, cidr, producer },
        )
        found = { id: 0, listed: false, digest: rendered.digest.toString('hex'), rendered }
        shared.set(key, found)
      }
      yield { stream: { collectionId, binding }, package: found }
    }
  }
}

async function readNewest(
  db: Db,
  indicatorIds: readonly number[],
  collections: readonly Collection[],
): Promise<Map<string, LiveBlock>> {
  const ours = new Set(collections.map((collection) => collection.id))
  const blocks = await findNewestBlocks(db, indicatorIds)
  return new Map(
    blocks
      .filter((block) => ours.has(block.stream.collectionId))
      .map((block) => [blockKey(block.stream, block.subjectId), block]),
  )
}

/** @param most how many packages there can be; ids that stay unused are lost, of which there are 2^63 */
async function createSharedPackageWriter(db: Db, most: number, now: Date) {
  const write = createPackageWriter(db)
  let nextId = await reserveIds(db, 'packages', most * contentBindings.length)
  return async (packages: readonly SharedPackage[]): Promise<void> => {
    const rows = packages.map((one) => {
      one.id = nextId
      nextId += 1
      return { id: one.id, ...one.rendered.withTimestamp(nextTimestamp(now)) }
    })
    await write(rows)
  }
}

let lastTimestamp: Micros = 0

/** Never the same twice: an id and a timestamp together name one version of one content. */
function nextTimestamp(now: Date): Micros {
  lastTimestamp = Math.max(now.getTime() * 1000, lastTimestamp + 1)
  return lastTimestamp
}

function toNewBlocks({ id, stream, blocks }: Draft & { id: number }): NewBlock[] {
  return blocks.map((block, ordinal) => ({
    publicationId: id,
    ordinal,
    subjectId: block.subjectId,
    stream,
    packageId: block.package.id,
    digest: block.package.digest,
  }))
}

function blockKey(stream: Stream, indicatorId: number): string {
  return `${stream.collectionId} ${stream.binding} ${indicatorId}`
}
