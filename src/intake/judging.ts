import { createJudge, type Judge, rulesVersion } from '../curation/judge.ts'
import { completePolicy, type JudgingPolicy, type PolicySettings } from '../curation/policy.ts'
import { findPolicyFault } from '../curation/stored-policy.ts'
import {
  type CompileWarninglists,
  compileWarninglists,
  createCompileWarninglists,
  type Warninglist,
} from '../curation/warninglists.ts'
import { JudgingUnreadable } from '../model/errors.ts'
import type { Db } from '../store/db.ts'
import { type JudgingState, readJudgingState, readJudgingVersion } from '../store/judging.ts'
import { readEnabledWarninglists } from '../store/warninglists.ts'

/** How to judge, as the store has it. */
export interface Judging {
  readonly version: number
  readonly policy: JudgingPolicy
  readonly judge: Judge
}

/**
 * Reads how to judge; what has not changed since the last time is not prepared again. Not to be given a
 * transaction that raises the version itself: undone, it would leave behind here what never came to count.
 * @throws JudgingUnreadable when a newer Taxiway has judged here, or the policy is none
 */
export type ReadJudging = (db: Db) => Promise<Judging>

export function createReadJudging(): ReadJudging {
  let last: Judging | undefined
  const compile = createCompileWarninglists()
  return async (db) => {
    if (last && (await readJudgingVersion(db)) === last.version) return last
    // The version first: of a change in between, the older version is noted, and the next call reads anew.
    const state = await readJudgingState(db)
    const policy = completePolicy(getPolicySettings(state))
    last = { version: state.version, policy, judge: await prepareJudge(db, policy, compile) }
    return last
  }
}

/** A judge by this policy and the store's warninglists. */
export async function prepareJudge(
  db: Db,
  policy: JudgingPolicy,
  compile: CompileWarninglists = compileWarninglists,
): Promise<Judge> {
  const lists = (await readEnabledWarninglists(db)) as readonly Warninglist[]
  return createJudge(policy, compile(lists))
}

/**
 * The policy as it was applied, without the defaults.
 * @throws JudgingUnreadable as above
 */
export function getPolicySettings(
  state: Pick<JudgingState, 'policy' | 'rulesVersion'>,
): PolicySettings {
  if (state.rulesVersion > rulesVersion) {
    throw new JudgingUnreadable(
      `a newer Taxiway has judged what is stored (its rules are ${state.rulesVersion}, these are ${rulesVersion}); run that version`,
    )
  }
  const fault = findPolicyFault(state.policy)
  if (fault === undefined) return state.policy as PolicySettings
  throw new JudgingUnreadable(
    `the judging policy in the store is not one of this version: ${fault}; run the version that wrote it, or give it another by "taxiway judging apply FILE"`,
  )
}
