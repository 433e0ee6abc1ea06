import type { Micros } from '../model/micros.ts'
import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { readCollections, type StoredCollection } from '../store/collections.ts'
import {
  type DueBlock,
  findDueBlocks,
  type RefreshWindow,
  readRefreshClock,
  refreshSteps,
  saveRefreshedAt,
} from '../store/refreshes.ts'
import { type Intake, writeInTurn } from './intake.ts'

const batchBlocks = 2_500
// Of up to a hundred indicators each.
const batchChunks = 100
const dayMicros = 86_400_000_000

/**
 * Publishes again, under new labels, what clients would otherwise drop for its age: each live block of a
 * collection with `refreshDays` between 70 and 95 % of that time after it was published. When in between
 * depends on its subject's id, so that what came in at once does not come again at once.
 */
export async function refresh(intake: Intake): Promise<{ readonly published: number }> {
  let published = 0
  for (const collection of await readCollections(intake.db)) {
    if (collection.refreshDays === undefined) continue
    published += await refreshCollection(intake, collection, collection.refreshDays)
  }
  return { published }
}

/** When blocks of a publication are due, by their age. */
export function refreshWindow(refreshDays: number): RefreshWindow {
  const days = refreshDays * dayMicros
  return {
    earliest: Math.floor(days * 0.7),
    step: Math.floor((days * 0.25) / refreshSteps),
  }
}

async function refreshCollection(
  intake: Intake,
  collection: StoredCollection,
  refreshDays: number,
): Promise<number> {
  const window = refreshWindow(refreshDays)
  const { now, refreshedAt } = await readRefreshClock(intake.db, collection.id)
  // Nothing more can be due before the next step. A clock that has stepped back is no reason to wait.
  if (Math.abs(now - refreshedAt) < window.step / 2) return 0
  let published = 0
  let after: Pick<DueBlock, 'publicationId' | 'ordinal'> = { publicationId: 0, ordinal: -1 }
  const limit = collection.packaging === 'report' ? batchChunks : batchBlocks
  for (let last = false; !last; ) {
    const due = await findDueBlocks(intake.db, collection.id, now, window, after, limit)
    last = due.length < limit
    after = due.at(-1) ?? after
    published += await publishAgain(intake, collection, due, last ? now : undefined)
  }
  return published
}

/**
 * Blocks that were superseded or withdrawn since they were found are left as they are.
 * @param refreshedAt with the last of them: when they were looked for
 */
async function publishAgain(
  intake: Intake,
  collection: StoredCollection,
  due: readonly DueBlock[],
  refreshedAt: Micros | undefined,
): Promise<number> {
  const places = new Set(due.map(place))
  const subjects = [...new Set(due.map(({ subjectId }) => subjectId))]
  const touched = {
    indicatorIds: subjects.filter((id) => id > 0),
    reportIds: [],
    chunkIds: subjects.filter((id) => id < 0),
  }
  return writeInTurn(intake, async (trx, now) => {
    // The settings as they are behind the lock: by former ones, it would bring back what others took out.
    const current = (await readCollections(trx)).filter(({ id }) => id === collection.id)
    const prepared = await prepareBlocks(trx, touched, current, intake.producer, now, (block) =>
      places.has(place(block)),
    )
    if (refreshedAt !== undefined) await saveRefreshedAt(trx, collection.id, refreshedAt)
    return publish(trx, prepared)
  })
}

function place({ publicationId, ordinal }: Pick<DueBlock, 'publicationId' | 'ordinal'>): string {
  return `${publicationId}/${ordinal}`
}
