import { createJudge, type Judge } from '../curation/judge.ts'
import { defaultPolicy, type JudgingPolicy } from '../curation/policy.ts'
import { compileWarninglists, type Warninglist } from '../curation/warninglists.ts'
import type { Db } from '../store/db.ts'
import { readJudgingState, readJudgingVersion } from '../store/judging.ts'
import { readEnabledWarninglists } from '../store/warninglists.ts'

/** How to judge, as the store has it. */
export interface Judging {
  readonly version: number
  readonly policy: JudgingPolicy
  readonly judge: Judge
}

/** Reads how to judge; what has not changed since the last time is not prepared again. */
export type ReadJudging = (db: Db) => Promise<Judging>

export function createReadJudging(): ReadJudging {
  let last: Judging | undefined
  return async (db) => {
    if (last && (await readJudgingVersion(db)) === last.version) return last
    // The version first: of a change in between, the older version is noted, and the next call reads anew.
    const state = await readJudgingState(db)
    const policy = { ...defaultPolicy, ...(state.policy as Partial<JudgingPolicy>) }
    const lists = (await readEnabledWarninglists(db)) as readonly Warninglist[]
    last = {
      version: state.version,
      policy,
      judge: createJudge(policy, compileWarninglists(lists)),
    }
    return last
  }
}
