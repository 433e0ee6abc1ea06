import {
  notLiftable,
  type Reason,
  reasonNames,
  reasons,
  recordedReasons,
} from '../curation/reasons.ts'
import { OverrideRefused } from '../model/errors.ts'
import {
  hasOverridesToLapse,
  lapseOverrides,
  markOverrideEnded,
  readOverrides,
  writeOverrides,
} from '../store/overrides.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { publishTouched } from './publish-touched.ts'
import { rejudgeIndicators } from './rejudge.ts'

const batchIndicators = 2_500
const dayMs = 86_400_000

/** An analyst looks at each override again at least once a year. */
export const longestOverrideDays = 366

export interface OverrideRequest {
  /** by their ids in the store */
  readonly indicatorIds: readonly number[]
  readonly reason: string
  /** the exact rule that is lifted, such as `warninglist:public-resolvers`; undefined: all of that reason */
  readonly rule: string | undefined
  /** for whoever asks later why it is served all the same */
  readonly because: string
  readonly by: string
  readonly expiresAt: Date
}

export interface Overridden {
  /** the overrides' numbers, in the order of the indicators */
  readonly ids: readonly number[]
  readonly published: number
  readonly withdrawn: number
}

/**
 * Lifts a reason from all assertions of these indicators, those to come too, until it expires; other reasons
 * against them stay. It takes the place of an override for the same. Nothing needs to be kept out for that
 * reason now: what would be later is lifted.
 * @throws OverrideRefused when the reason cannot be lifted, or the request lacks what it needs
 */
export async function addOverride(intake: Intake, request: OverrideRequest): Promise<Overridden> {
  const { reason, rule, because, by, expiresAt } = request
  checkReason(reason)
  if (because.trim() === '') throw new OverrideRefused('an override must say because of what')
  if (by.trim() === '') throw new OverrideRefused('an override must say who made it')
  if (rule?.trim() === '') throw new OverrideRefused('the rule is empty')
  const indicatorIds = [...new Set(request.indicatorIds)]
  const done = { ids: [] as number[], published: 0, withdrawn: 0 }
  for (let from = 0; from < indicatorIds.length; from += batchIndicators) {
    const batch = indicatorIds.slice(from, from + batchIndicators)
    const one = await writeInTurn(intake, async (trx, now) => {
      checkExpiry(expiresAt, now)
      const ids = await writeOverrides(trx, {
        indicatorIds: batch,
        reason,
        rule,
        because,
        by,
        now,
        expiresAt,
      })
      // Nobody has judged these since the source let go of them; other reasons may have come up.
      const blocks = recordedReasons.includes(reason as Reason)
        ? await rejudgeIndicators(intake, trx, batch, now)
        : await publishTouched(intake, trx, batch, now)
      return { ids, ...blocks }
    })
    done.ids.push(...one.ids)
    done.published += one.published
    done.withdrawn += one.withdrawn
  }
  return done
}

/**
 * Ends an override before its time: what it lifted keeps its assertions out again.
 * @throws OverrideRefused when there is no such override, or it is over
 */
export async function endOverride(
  intake: Intake,
  id: number,
  by: string,
): Promise<{ readonly published: number; readonly withdrawn: number }> {
  return writeInTurn(intake, async (trx, now) => {
    const indicatorId = await markOverrideEnded(trx, id, by, now)
    if (indicatorId !== undefined) return publishTouched(intake, trx, [indicatorId], now)
    const [known] = await readOverrides(trx, { id })
    if (known?.endedAt) {
      throw new OverrideRefused(
        `override ${id} was ended at ${known.endedAt.toISOString()} by ${known.endedBy} already`,
      )
    }
    throw new OverrideRefused(
      known
        ? `override ${id} is over since ${known.expiresAt.toISOString()}`
        : `there is no override ${id}; "taxiway indicator override list --all" shows all`,
    )
  })
}

/** Takes back what overrides lifted whose time is over. */
export async function expireOverrides(
  intake: Intake,
): Promise<{ readonly published: number; readonly withdrawn: number }> {
  const total = { published: 0, withdrawn: 0 }
  // The writers' turn is not taken where there is nothing to do, which is nearly always.
  while (await hasOverridesToLapse(intake.db, intake.clock())) {
    const done = await writeInTurn(intake, async (trx, now) => {
      const ids = await lapseOverrides(trx, now, batchIndicators)
      return publishTouched(intake, trx, [...new Set(ids)], now)
    })
    total.published += done.published
    total.withdrawn += done.withdrawn
  }
  return total
}

function checkReason(reason: string): void {
  if (!Object.hasOwn(reasons, reason)) {
    const names = reasonNames.filter((name) => notLiftable[name] === undefined).join(', ')
    throw new OverrideRefused(`there is no reason "${reason}"; those that can be lifted: ${names}`)
  }
  const way = notLiftable[reason as Reason]
  if (way !== undefined) throw new OverrideRefused(`"${reason}" cannot be lifted: ${way}`)
}

function checkExpiry(expiresAt: Date, now: Date): void {
  const days = (expiresAt.getTime() - now.getTime()) / dayMs
  if (days > 0 && days <= longestOverrideDays) return
  if (days > longestOverrideDays) {
    throw new OverrideRefused(
      `an override may last ${longestOverrideDays} days at most, then it is to be looked at again`,
    )
  }
  // NaN, too, is no moment in the future.
  throw new OverrideRefused('an override must end at a moment in the future')
}
