import { RecallRefused } from '../model/errors.ts'
import type { Recall, RecallSubject } from '../model/recall.ts'
import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { findIndicatorIds } from '../store/assertions.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import {
  markSettled,
  markUndone,
  readRecalledIndicators,
  readRecalls,
  type StoredSubject,
  withdrawRecalled,
  writeRecall,
} from '../store/recalls.ts'
import { findReportId } from '../store/reports.ts'
import { findSourceId } from '../store/sources.ts'
import { type Intake, writeInTurn } from './intake.ts'

const batchIndicators = 2_500

export interface RecallRequest {
  readonly subject: RecallSubject
  /** for whoever asks later why this is not served */
  readonly reason: string
  readonly by: string
}

/**
 * Withdraws a source, a report or indicators everywhere at once: no poll that starts after this has resolved
 * returns any of it, in parts of result sets neither. It stays so, for what comes later too, until it is
 * undone. What others still assert is out for a moment as well; `settleRecalls` publishes it again.
 * @returns how many indicators had been served until now
 * @throws RecallRefused when the subject is not in the store
 */
export async function recall(
  intake: Intake,
  { subject, reason, by }: RecallRequest,
): Promise<{ readonly id: number; readonly indicators: number }> {
  // Before its turn, since it takes a while for a long list; what is in the store stays there.
  const stored = await resolve(intake.db, subject)
  return writeInTurn(intake, async (trx, now) => {
    const id = await writeRecall(trx, { subject: stored, reason, by, now })
    return { id, indicators: await withdrawRecalled(trx, id) }
  })
}

/**
 * Undoes a recall; `settleRecalls` publishes again what it had kept out, under new labels, so that clients
 * that have dropped it get it anew.
 * @throws RecallRefused when there is no such recall or it was undone before
 */
export async function undoRecall(intake: Intake, id: number, by: string): Promise<void> {
  await writeInTurn(intake, async (trx, now) => {
    if ((await markUndone(trx, id, by, now)) !== undefined) return
    const known = (await readRecalls(trx)).find((one) => one.id === id)
    throw new RecallRefused(
      known?.undoneAt
        ? `withdrawal ${id} was undone at ${known.undoneAt.toISOString()} by ${known.undoneBy} already`
        : `there is no withdrawal ${id}; "taxiway withdraw list" shows all`,
    )
  })
}

/**
 * Publishes what recalls and their undoing leave to be published. Cut short, it begins anew the next time;
 * what is right already is not published twice.
 */
export async function settleRecalls(
  intake: Intake,
): Promise<{ readonly published: number; readonly withdrawn: number }> {
  const total = { published: 0, withdrawn: 0 }
  const unsettled = (await readRecalls(intake.db)).filter((one) => !one.settled).reverse()
  for (const one of unsettled) {
    const { published, withdrawn } = await settle(intake, one)
    total.published += published
    total.withdrawn += withdrawn
  }
  return total
}

async function settle(intake: Intake, one: Recall) {
  const total = { published: 0, withdrawn: 0 }
  let afterId: number | undefined = 0
  while (afterId !== undefined) {
    const after: number = afterId
    const done = await writeInTurn(intake, async (trx, now) => {
      const ids = await readRecalledIndicators(trx, one.id, after, batchIndicators)
      const collections = await readCollections(trx)
      const prepared = await prepareBlocks(
        trx,
        { indicatorIds: ids },
        collections,
        intake.producer,
        now,
      )
      if (ids.length < batchIndicators) await markSettled(trx, one)
      const published = await publish(trx, prepared)
      return { published, withdrawn: prepared.withdrawn, last: ids.at(-1), count: ids.length }
    })
    total.published += done.published
    total.withdrawn += done.withdrawn
    afterId = done.count < batchIndicators ? undefined : done.last
  }
  return total
}

async function resolve(db: Db, subject: RecallSubject): Promise<StoredSubject> {
  if ('source' in subject) return { sourceId: await getSource(db, subject.source) }
  if ('report' in subject) {
    const { source, externalId } = subject.report
    const reportId = await findReportId(db, await getSource(db, source), externalId)
    if (reportId !== undefined) return { reportId }
    throw new RecallRefused(`the source "${source}" has no report "${externalId}"`)
  }
  const { indicators } = subject
  const ids = await findIndicatorIds(db, indicators)
  const missing = indicators.filter((_, index) => ids[index] === undefined)
  if (missing.length > 0) {
    const names = missing.slice(0, 5).map(({ type, value }) => `${type} ${value}`)
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
    throw new RecallRefused(`not in the store: ${names.join(', ')}${more}; nothing was withdrawn`)
  }
  return { indicatorIds: ids.filter((id) => id !== undefined) }
}

async function getSource(db: Db, name: string): Promise<number> {
  const id = await findSourceId(db, name)
  if (id === undefined) throw new RecallRefused(`there is no source "${name}"`)
  return id
}
