import { setImmediate } from 'node:timers/promises'
import { type Collection, contentBindings } from '../model/collection.ts'
import type { Stream } from '../model/feed.ts'
import { type Producer, renderIndicator } from '../stix/package.ts'
import { isPublishable } from '../stix/profiles.ts'
import { findNewestBlocks } from '../store/blocks.ts'
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

// Some 5 ms of rendering: a poll that comes in meanwhile waits no longer.
const batchIndicators = 250

/**
 * Prepares the blocks that are one indicator each: those of the packaging `indicator`, and of others as far
 * as no report asserts it.
 */
export async function prepareIndicators(
  work: Work,
  indicatorIds: readonly number[],
  permits: readonly IndicatorWithPermits[],
): Promise<void> {
  if (indicatorIds.length === 0) return
  const { db, collections, producer } = work
  const newest = toNewest(work, await findNewestBlocks(db, indicatorIds))
  const storePackages = await createSharedPackageWriter(
    work,
    permits.length * collections.length * contentBindings.length,
  )
  const writes: Promise<void>[] = []
  for (const batch of batchesOf(permits)) {
    const fresh: SharedPackage[] = []
    for (const indicator of batch) {
      for (const wanted of renderFor(indicator, collections, producer)) {
        const old = takeOut(newest, wanted.stream, indicator.indicatorId)
        const same = old && !old.withdrawn && old.digest === wanted.package.digest
        if (same && !work.isDue(old)) continue
        if (!wanted.package.listed) {
          wanted.package.listed = true
          fresh.push(wanted.package)
        }
        addDraft(work, wanted.stream, {
          subjectId: indicator.indicatorId,
          package: wanted.package,
          old,
        })
      }
    }
    // The database stores these while the next are rendered, and whoever polls meanwhile is served.
    const write = storePackages(fresh)
    write.catch(() => {}) // thrown below, with all others
    writes.push(write)
    // One that was cut short for its size waits until it is stored, so that such do not pile up.
    if (batch.length < batchIndicators) await write
    else await setImmediate()
  }
  await Promise.all(writes)
  leaveUnwanted(work, newest)
}

/** In their order, so many at a time as may be rendered at once. */
function* batchesOf(
  permits: readonly IndicatorWithPermits[],
): Generator<readonly IndicatorWithPermits[]> {
  let from = 0
  let valuesLength = 0
  for (const [place, { value }] of permits.entries()) {
    valuesLength += value.length
    const count = place + 1 - from
    if (count < batchIndicators && valuesLength <= mostValuesLength) continue
    yield permits.slice(from, place + 1)
    from = place + 1
    valuesLength = 0
  }
  if (from < permits.length) yield permits.slice(from)
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
    const { id, profile, cidr, bindings, packaging } = collections[place] as Collection
    if (!isPublishable({ profile, cidr }, indicator.type, indicator.value)) continue
    const permitted = indicator.permitted.filter(
      (one) =>
        one.collections.includes(place) &&
        (packaging === 'indicator' || one.reportId === undefined),
    )
    if (permitted.length === 0) continue
    const which = permitted.map((one) => indicator.permitted.indexOf(one)).join()
    for (const binding of bindings) {
      const key = `${profile} ${cidr} ${binding} ${which}`
      let found = shared.get(key)
      if (!found) {
        const assertions = permitted.map((one) => one.assertion)
        const { type, value } = indicator
        found = sharePackage(
          renderIndicator({ type, value, assertions }, { binding, profile, cidr, producer }),
        )
        shared.set(key, found)
      }
      yield { stream: { collectionId: id, binding }, package: found }
    }
  }
}
