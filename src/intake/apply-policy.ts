import { isDeepStrictEqual } from 'node:util'
import { completePolicy, type JudgingPolicy, type PolicySettings } from '../curation/policy.ts'
import { JudgingUnreadable } from '../model/errors.ts'
import { readJudgingState, writePolicy } from '../store/judging.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { getPolicySettings } from './judging.ts'

export interface PolicyChange {
  /** such as "ageDays.ipv4" or "sources.otx.confidence" */
  readonly setting: string
  /** undefined: there was none */
  readonly from: unknown
  readonly to: unknown
}

/** What differs between two policies, by setting; lists as wholes. */
export function comparePolicies(from: JudgingPolicy, to: JudgingPolicy): readonly PolicyChange[] {
  const [before, after] = [flatten(from), flatten(to)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((setting) => !isDeepStrictEqual(before.get(setting), after.get(setting)))
    .map((setting) => ({ setting, from: before.get(setting), to: after.get(setting) }))
}

/**
 * Stores the policy, in place of one that cannot be read too; `rejudge` makes verdicts and feeds follow.
 * @returns what changed; undefined: the one before could not be read, so that nobody knows
 * @throws JudgingUnreadable when a newer Taxiway has judged here
 */
export async function applyPolicy(
  intake: Intake,
  settings: PolicySettings,
): Promise<readonly PolicyChange[] | undefined> {
  return writeInTurn(intake, async (trx) => {
    const { policy, rulesVersion } = await readJudgingState(trx)
    getPolicySettings({ policy: {}, rulesVersion })
    await writePolicy(trx, settings)
    return compareWithStored(policy, settings)
  })
}

/** @returns undefined: the stored one cannot be read */
export function compareWithStored(
  stored: unknown,
  settings: PolicySettings,
): readonly PolicyChange[] | undefined {
  try {
    const before = getPolicySettings({ policy: stored, rulesVersion: 0 })
    return comparePolicies(completePolicy(before), completePolicy(settings))
  } catch (error) {
    if (error instanceof JudgingUnreadable) return undefined
    throw error
  }
}

function flatten(value: unknown, path = ''): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Map([[path, value]])
  }
  const found = new Map<string, unknown>()
  for (const [key, one] of Object.entries(value)) {
    for (const entry of flatten(one, path === '' ? key : `${path}.${key}`)) found.set(...entry)
  }
  return found
}
