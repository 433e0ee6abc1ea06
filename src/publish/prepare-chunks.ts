import { setImmediate } from 'node:timers/promises'
import type { Collection } from '../model/collection.ts'
import type { Stream } from '../model/feed.ts'
import type { Producer } from '../stix/package.ts'
import { isPublishable } from '../stix/profiles.ts'
import { renderReport } from '../stix/report-package.ts'
import { findNewestBlocks, type LiveBlock } from '../store/blocks.ts'
import { type ChunkWithPermits, readChunks } from '../store/chunk-views.ts'
import { addMembers, type ReportedIndicator, readMemberships } from '../store/chunks.ts'
import { isBehind, type StoredCollection } from '../store/collections.ts'
import type { Permit } from '../store/permits.ts'
import type { IndicatorWithPermits } from '../store/views.ts'
import {
  addDraft,
  createSharedPackageWriter,
  leaveUnwanted,
  mostValuesLength,
  type SharedPackage,
  sharePackage,
  takeOut,
  toNewest,
  type Work,
} from './work.ts'

// Some 2 MB of packages for each shape and binding, so that memory is bounded however many chunks are touched.
const groupChunks = 10

/** What may have changed in chunks of reports. */
export interface TouchedChunks {
  readonly indicatorIds: readonly number[]
  /** the reports that may say something else of them; absent: all that assert them */
  readonly reportIds?: readonly number[]
  /** chunks besides those of the indicators */
  readonly chunkIds?: readonly number[]
}

/**
 * Whether chunks are to be looked at for these collections. One that is yet to follow a change of its
 * settings may have blocks of the other packaging.
 */
export function concernChunks(collections: readonly StoredCollection[]): boolean {
  return collections.some((one) => one.packaging === 'report' || isBehind(one))
}

/** Prepares the blocks of the packaging `report`, each a chunk of a report. */
export async function prepareChunks(work: Work, ids: readonly number[]): Promise<void> {
  const { db, collections } = work
  const newest = toNewest(work, await findNewestBlocks(db, ids))
  for (let from = 0; from < ids.length; from += groupChunks) {
    const chunks = await readChunks(db, ids.slice(from, from + groupChunks), collections, work.now)
    let fresh: SharedPackage[] = []
    let valuesLength = 0
    const storeFresh = async () => {
      const storePackages = await createSharedPackageWriter(work, fresh.length)
      await storePackages(fresh)
      fresh = []
      valuesLength = 0
    }
    for (const chunk of chunks) {
      for (const wanted of renderFor(chunk, collections, work.producer)) {
        const old = takeOut(newest, wanted.stream, chunk.chunkId)
        const same = old && !old.withdrawn && old.digest === wanted.package.digest
        if (same && !work.isDue(old)) continue
        if (!wanted.package.listed) {
          wanted.package.listed = true
          fresh.push(wanted.package)
        }
        addChunkDraft(work, chunk.chunkId, wanted, old)
      }
      valuesLength += chunk.permitted.reduce((sum, { value }) => sum + value.length, 0)
      if (valuesLength > mostValuesLength) await storeFresh()
      // A poll that comes in meanwhile waits for one chunk at most.
      await setImmediate()
    }
    await storeFresh()
  }
  leaveUnwanted(work, newest)
}

/**
 * Gives what is to be published for the first time its place.
 * @returns the chunks of these indicators, which are to be looked at
 */
export async function placeMembers(
  { db, collections }: Work,
  { indicatorIds, reportIds }: TouchedChunks,
  permits: readonly IndicatorWithPermits[],
): Promise<readonly number[]> {
  const found = new Set<number>()
  const placed = new Set<string>()
  for (const { chunkId, ...member } of await readMemberships(db, indicatorIds, reportIds)) {
    found.add(chunkId)
    placed.add(memberKey(member))
  }
  const wanted = reportIds && new Set(reportIds)
  const byIndicator = new Map(permits.map((one) => [one.indicatorId, one]))
  const added: ReportedIndicator[] = []
  // In the order in which they were touched, which is that of their report.
  for (const indicatorId of indicatorIds) {
    const indicator = byIndicator.get(indicatorId)
    for (const { reportId, collections: places } of indicator?.permitted ?? []) {
      if (reportId === undefined || (wanted && !wanted.has(reportId))) continue
      if (placed.has(memberKey({ reportId, indicatorId }))) continue
      const { type, value } = indicator as IndicatorWithPermits
      const spells = (place: number) => canShow(collections[place] as Collection, type, value)
      if (places.some(spells)) added.push({ reportId, indicatorId })
    }
  }
  for (const chunkId of await addMembers(db, added)) found.add(chunkId)
  return [...found]
}

function memberKey({ reportId, indicatorId }: ReportedIndicator): string {
  return `${reportId}/${indicatorId}`
}

function canShow(collection: Collection, type: Permit['type'], value: string): boolean {
  return collection.packaging === 'report' && isPublishable(collection, type, value)
}

interface Wanted {
  readonly stream: Stream
  readonly package: SharedPackage
  readonly members: readonly number[]
}

function addChunkDraft(work: Work, chunkId: number, wanted: Wanted, old: LiveBlock | undefined) {
  const { stream, members } = wanted
  // An answer in parts that has begun still reads what is superseded, but never what is not permitted any
  // more: the block that shows it goes as an indicator's own would.
  const shown = new Set(members)
  const outdated = old && !old.withdrawn && old.members?.some((one) => !shown.has(one))
  if (outdated) work.outdated.push(old)
  addDraft(work, stream, {
    subjectId: chunkId,
    members,
    package: wanted.package,
    old: outdated ? { ...old, withdrawn: true } : old,
  })
}

/** What each collection should have of this chunk; collections that show the same share one package. */
function* renderFor(
  { header, permitted }: ChunkWithPermits,
  collections: readonly Collection[],
  producer: Producer,
): Generator<Wanted> {
  const shared = new Map<string, SharedPackage>()
  const places = new Set(permitted.flatMap((one) => one.collections))
  for (const place of [...places].sort((a, b) => a - b)) {
    const collection = collections[place] as Collection
    const { id, profile, cidr, bindings } = collection
    const shown = permitted.filter(
      (one) => one.collections.includes(place) && canShow(collection, one.type, one.value),
    )
    if (shown.length === 0) continue
    const members = shown.map((one) => one.indicatorId).sort((a, b) => a - b)
    for (const binding of bindings) {
      const key = `${profile} ${cidr} ${binding} ${members.join()}`
      let found = shared.get(key)
      if (!found) {
        const indicators = shown.map(({ type, value, assertion }) => ({
          type,
          value,
          assertions: [assertion],
        }))
        const view = { ...header, indicators }
        found = sharePackage(renderReport(view, { binding, profile, cidr, producer }))
        shared.set(key, found)
      }
      yield { stream: { collectionId: id, binding }, package: found, members }
    }
  }
}
