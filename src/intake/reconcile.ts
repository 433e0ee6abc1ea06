import type { Packaging } from '../model/collection.ts'
import { prepareBlocks, type Touched } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { isBehind, markReconciled, readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import {
  type ReportedCursor,
  readIndicatorIds,
  readReportedIndicators,
  readUnreportedIndicators,
} from '../store/indicator-walks.ts'
import { type Intake, writeInTurn } from './intake.ts'

const batchIndicators = 5_000
const batchReported = 2_500

export interface Reconciled {
  /** names of those that follow their settings now */
  readonly collections: readonly string[]
  readonly published: number
  readonly withdrawn: number
}

/**
 * Brings what the collections publish in line with their settings, where those have changed since.
 * Cut short, it begins anew the next time; what is already right is not published twice.
 */
export async function reconcileCollections(
  intake: Intake,
  onProgress: (done: {
    readonly indicators: number
    readonly published: number
  }) => void = () => {},
): Promise<Reconciled> {
  const { db, producer } = intake
  const changed = (await readCollections(db)).filter(isBehind)
  const changedIds = new Set(changed.map(({ id }) => id))
  let published = 0
  let withdrawn = 0
  for (const walk of walks) {
    let cursor = changed.some(({ packaging }) => packaging === walk.packaging)
      ? walk.first
      : undefined
    while (cursor !== undefined) {
      if (intake.signal?.aborted) return { collections: [], published, withdrawn }
      const after: ReportedCursor = cursor
      // Read behind the lock: by then the indicators are there of whoever had still read the former settings,
      // and settings that have changed once more meanwhile are not followed any more.
      const done = await writeInTurn(intake, async (trx, now) => {
        const { touched, next } = await walk.read(trx, after)
        const collections = (await readCollections(trx)).filter(
          ({ id, packaging }) => changedIds.has(id) && packaging === walk.packaging,
        )
        const prepared = await prepareBlocks(trx, touched, collections, producer, now)
        const indicators = touched.indicatorIds.length
        const { withdrawn } = prepared
        return { indicators, next, published: await publish(trx, prepared), withdrawn }
      })
      published += done.published
      withdrawn += done.withdrawn
      onProgress(done)
      cursor = done.next
    }
  }
  for (const { id, settingsVersion } of changed) await markReconciled(db, id, settingsVersion)
  return { collections: changed.map((collection) => collection.name), published, withdrawn }
}

/** A way through all that is stored, a batch at a time. */
interface Walk {
  readonly packaging: Packaging
  readonly first: ReportedCursor
  read(
    db: Db,
    after: ReportedCursor,
  ): Promise<{ touched: Touched; next: ReportedCursor | undefined }>
}

const start: ReportedCursor = { reportId: 0, indicatorId: 0 }

const walks: readonly Walk[] = [
  {
    packaging: 'indicator',
    first: start,
    read: async (db, { indicatorId }) => {
      const indicatorIds = await readIndicatorIds(db, indicatorId, batchIndicators)
      return { touched: { indicatorIds }, next: nextOf(indicatorIds) }
    },
  },
  // Report by report: a chunk would else be published again with each of its indicators.
  {
    packaging: 'report',
    first: start,
    read: async (db, after) => {
      const found = await readReportedIndicators(db, after, batchReported)
      const touched = {
        indicatorIds: [...new Set(found.map(({ indicatorId }) => indicatorId))],
        reportIds: [...new Set(found.map(({ reportId }) => reportId))],
      }
      return { touched, next: found.at(-1) }
    },
  },
  {
    packaging: 'report',
    first: start,
    read: async (db, { indicatorId }) => {
      const indicatorIds = await readUnreportedIndicators(db, indicatorId, batchReported)
      return { touched: { indicatorIds, reportIds: [] }, next: nextOf(indicatorIds) }
    },
  },
]

function nextOf(ids: readonly number[]): ReportedCursor | undefined {
  const last = ids.at(-1)
  return last === undefined ? undefined : { reportId: 0, indicatorId: last }
}
