import type { Collection } from '../model/collection.ts'
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
import { writePackages } from '../store/packages.ts'
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
 */
export async function prepareBlocks(
  db: Db,
  indicatorIds: readonly number[],
  collections: readonly Collection[],
  producer: Producer,
  now: Date,
): Promise<PreparedPublications> {
  const permits = await readPermits(db, indicatorIds, collections, now)
  const newest = await readNewest(db, indicatorIds, collections)
  const drafts = new Map<string, Draft>()
  const packages: Draft['blocks'][number]['package'][] = []
  for (const indicator of permits) {
    for (const wanted of renderFor(indicator, collections, producer)) {
      const key = blockKey(wanted.stream, indicator.indicatorId)
      const old = newest.get(key)
      newest.delete(key)
      if (old && !old.withdrawn && old.digest === wanted.package.digest) continue
      if (!wanted.package.listed) {
        wanted.package.listed = true
        packages.push(wanted.package)
      }
      const streamKey = blockKey(wanted.stream, 0)
      let draft = drafts.get(streamKey)
      if (!draft) {
        draft = { stream: wanted.stream, blocks: [] }
        drafts.set(streamKey, draft)
      }
      draft.blocks.push({ indicatorId: indicator.indicatorId, package: wanted.package, old })
    }
  }
  const unwanted = [...newest.values()].filter((block) => !block.withdrawn)
  await withdrawBlocks(db, unwanted, 'no longer permitted', now)
  if (drafts.size === 0) return { publications: [], withdrawn: unwanted.length }

  await storePackages(db, packages, now)
  const ids = await reserveIds(db, 'publications', drafts.size)
  const publications = [...drafts.values()].map((draft, index) => ({
    id: ids[index] as number,
    ...draft,
  }))
  await supersedeBlocks(
    db,
    publications.flatMap(({ id, blocks }) =>
      blocks.flatMap(({ old }) => (old ? [{ block: old, by: id }] : [])),
    ),
  )
  await writeBlocks(db, publications.flatMap(toNewBlocks))
  return {
    publications: publications.map(({ id, stream, blocks }) => ({
      id,
      stream,
      blockCount: blocks.length,
    })),
    withdrawn: unwanted.length,
  }
}

interface Draft {
  readonly stream: Stream
  readonly blocks: {
    readonly indicatorId: number
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
  for (const [index, { id: collectionId, profile, bindings }] of collections.entries()) {
    if (!isPublishable(profile, indicator.type)) continue
    const permitted = indicator.permitted.filter((one) => one.collections[index])
    if (permitted.length === 0) continue
    const which = indicator.permitted.map((one) => (one.collections[index] ? 1 : 0)).join('')
    for (const binding of bindings) {
      const key = `${profile} ${binding} ${which}`
      let found = shared.get(key)
      if (!found) {
        const assertions = permitted.map((one) => one.assertion)
        const { type, value } = indicator
        const rendered = renderIndicator(
          { type, value, assertions },
          { binding, profile, producer },
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
      .map((block) => [blockKey(block.stream, block.indicatorId), block]),
  )
}

async function storePackages(db: Db, packages: readonly SharedPackage[], now: Date) {
  const ids = await reserveIds(db, 'packages', packages.length)
  const rows = packages.map((one, index) => {
    one.id = ids[index] as number
    return { id: one.id, content: one.rendered.withTimestamp(nextTimestamp(now)) }
  })
  await writePackages(db, rows)
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
    indicatorId: block.indicatorId,
    stream,
    packageId: block.package.id,
    digest: block.package.digest,
  }))
}

function blockKey(stream: Stream, indicatorId: number): string {
  return `${stream.collectionId} ${stream.binding} ${indicatorId}`
}
