import { judgeTime, nextJudgement } from '../curation/judge.ts'
import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { addVerdicts, findAgedIndicators, findDueAssertions } from '../store/assertions.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { applyOverrides } from '../store/overrides.ts'
import { ageLimitsInDays } from '../store/rules.ts'
import { readSweptUntil, saveSweptUntil } from '../store/sweeps.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { expireOverrides } from './override.ts'
import { settleRecalls } from './recall.ts'
import { reconcileCollections } from './reconcile.ts'
import { refresh } from './refresh.ts'
import { rejudge } from './rejudge.ts'

const batchAssertions = 5_000

export interface Swept {
  readonly expired: number
  /** of those published: what had not changed and would have become too old at the clients */
  readonly refreshed: number
  readonly published: number
  readonly withdrawn: number
}

/**
 * Does what time alone asks for: ends assertions that have expired, lets indicators into and out of the
 * collections whose rules speak of age, refreshes what would become too old at the clients, and finishes a
 * change of settings or a recall that was cut short. Overrides whose time is over lift nothing any more.
 */
export async function sweep(intake: Intake): Promise<Swept> {
  const swept = { expired: 0, published: 0, withdrawn: 0 }
  for (let found = batchAssertions; found === batchAssertions; ) {
    const due = await sweepOnce(intake, async (db, now) => {
      const assertions = await findDueAssertions(db, now, batchAssertions)
      const verdicts = assertions.map((assertion) => {
        const against = judgeTime(assertion, now)
        return {
          assertionId: assertion.id,
          judgeAt: nextJudgement(assertion, now),
          suppressions: against ? [against] : [],
        }
      })
      found = assertions.length
      await addVerdicts(db, verdicts, now)
      await applyOverrides(
        db,
        assertions.map(({ indicatorId }) => indicatorId),
        now,
      )
      swept.expired += verdicts.filter((verdict) => verdict.suppressions.length > 0).length
      return assertions.map((assertion) => assertion.indicatorId)
    })
    swept.published += due.published
    swept.withdrawn += due.withdrawn
  }
  const aged = await sweepOnce(intake, findAged)
  const lapsed = await expireOverrides(intake)
  const rejudged = await rejudge(intake)
  const reconciled = await reconcileCollections(intake)
  const settled = await settleRecalls(intake)
  const refreshed = await refresh(intake)
  const all = [swept, aged, lapsed, rejudged, reconciled, settled]
  return {
    expired: swept.expired,
    refreshed: refreshed.published,
    published: all.reduce((sum, one) => sum + one.published, refreshed.published),
    withdrawn: all.reduce((sum, one) => sum + one.withdrawn, 0),
  }
}

async function findAged(db: Db, now: Date): Promise<readonly number[]> {
  const since = await readSweptUntil(db)
  await saveSweptUntil(db, now)
  if (!since) return []
  const days = (await readCollections(db)).flatMap(({ rule }) => ageLimitsInDays(rule))
  const found: number[] = []
  for (const limit of new Set(days)) {
    for (const id of await findAgedIndicators(db, since, now, limit)) found.push(id)
  }
  return found
}

async function sweepOnce(intake: Intake, find: (db: Db, now: Date) => Promise<readonly number[]>) {
  return writeInTurn(intake, async (trx, now) => {
    const ids = [...new Set(await find(trx, now))]
    const prepared = await prepareBlocks(trx, ids, await readCollections(trx), intake.producer, now)
    return {
      published: await publish(trx, prepared),
      withdrawn: prepared.withdrawn,
    }
  })
}
