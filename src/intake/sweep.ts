import { judgeTime, nextJudgement } from '../curation/judge.ts'
import { concernChunks } from '../publish/prepare-chunks.ts'
import {
  type AgedCursor,
  addVerdicts,
  findAgedIndicators,
  findDueAssertions,
} from '../store/assertions.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { ageLimitsInDays } from '../store/rules.ts'
import { readSweptUntil, saveSweptUntil } from '../store/sweeps.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { expireOverrides } from './override.ts'
import { publishTouched } from './publish-touched.ts'
import { settleRecalls } from './recall.ts'
import { reconcileCollections } from './reconcile.ts'
import { refresh } from './refresh.ts'
import { rejudge } from './rejudge.ts'

const batchAssertions = 5_000
// Each may be in a chunk of a report of its own, of which a hundred are rendered again for it.
const batchOfChunks = 500

export interface Swept {
  readonly expired: number
  /** of those published: what had not changed and would have become too old at the clients */
  readonly refreshed: number
  readonly published: number
  readonly withdrawn: number
}

type Changes = Pick<Swept, 'published' | 'withdrawn'>

/**
 * Does what time alone asks for: ends assertions that have expired or aged, ends overrides, lets indicators
 * into and out of the collections whose rules speak of age, refreshes what would become too old at the
 * clients, and finishes a change of settings, a recall or a judging anew that was cut short.
 * @param options.settingsAreFollowed somebody in this process makes the feeds follow their settings already:
 * twice at once would take twice as long
 */
export async function sweep(
  intake: Intake,
  { settingsAreFollowed = false }: { readonly settingsAreFollowed?: boolean } = {},
): Promise<Swept> {
  const due = await sweepDue(intake)
  const all: Changes[] = [due, await sweepAges(intake), await expireOverrides(intake)]
  if (!settingsAreFollowed) all.push(await reconcileCollections(intake))
  all.push(await settleRecalls(intake))
  const refreshed = await refresh(intake)
  // Last: where the policy in the store cannot be read, all else is done first.
  all.push(await rejudge(intake))
  return {
    expired: due.expired,
    refreshed: refreshed.published,
    published: all.reduce((sum, one) => sum + one.published, refreshed.published),
    withdrawn: all.reduce((sum, one) => sum + one.withdrawn, 0),
  }
}

/** Ends the assertions whose moment has come. */
async function sweepDue(intake: Intake): Promise<Changes & Pick<Swept, 'expired'>> {
  const total = { expired: 0, published: 0, withdrawn: 0 }
  for (let more = true; more; ) {
    const done = await writeInTurn(intake, async (trx, now) => {
      const limit = await readBatchLimit(trx)
      const assertions = await findDueAssertions(trx, now, limit)
      more = assertions.length === limit
      const verdicts = assertions.map((assertion) => {
        const against = judgeTime(assertion, now)
        return {
          assertionId: assertion.id,
          judgeAt: nextJudgement(assertion, now),
          suppressions: against ? [against] : [],
        }
      })
      await addVerdicts(trx, verdicts, now)
      total.expired += verdicts.filter(({ suppressions }) => suppressions.length > 0).length
      const ids = assertions.map(({ indicatorId }) => indicatorId)
      const reportIds = new Set(assertions.flatMap(({ reportId }) => reportId ?? []))
      return publishTouched(intake, trx, ids, now, reportIds)
    })
    total.published += done.published
    total.withdrawn += done.withdrawn
  }
  return total
}

/** Lets indicators into and out of the collections whose rules speak of age. */
async function sweepAges(intake: Intake): Promise<Changes> {
  const total = { published: 0, withdrawn: 0 }
  const { since, until, limits } = await writeInTurn(intake, async (trx, now) => {
    const since = await readSweptUntil(trx)
    const limits = await readAgeLimits(trx)
    if (!since || limits.length === 0) await saveSweptUntil(trx, now)
    return { since, limits, until: now }
  })
  if (!since || limits.length === 0) return total
  // After a long time without a sweep these may be all that there are: in parts, so that others get their turn.
  for (const days of limits) {
    let after: AgedCursor | undefined
    do {
      const done = await writeInTurn(intake, async (trx, now) => {
        const span = { since, now: until, days }
        const limit = await readBatchLimit(trx)
        const { ids, next } = await findAgedIndicators(trx, span, after, limit)
        return { ...(await publishTouched(intake, trx, ids, now)), next }
      })
      after = done.next
      total.published += done.published
      total.withdrawn += done.withdrawn
    } while (after)
  }
  // Cut short before, the next sweep looks at the whole time again; what is right keeps its blocks.
  await writeInTurn(intake, (trx) => saveSweptUntil(trx, until))
  return total
}

async function readBatchLimit(db: Db): Promise<number> {
  return concernChunks(await readCollections(db)) ? batchOfChunks : batchAssertions
}

async function readAgeLimits(db: Db): Promise<readonly number[]> {
  return [...new Set((await readCollections(db)).flatMap(({ rule }) => ageLimitsInDays(rule)))]
}
