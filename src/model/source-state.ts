/** What keeps a source from being well: a stable code and a sentence for whoever is on call. */
export interface SourceProblem {
  readonly code: string
  readonly message: string
  /** when it was last met */
  readonly at: Date
}

/** A walk that is under way, or broke; how far it has come stands in the source's cursor. */
export interface SourceWalk {
  readonly since: Date
  readonly underWay: boolean
}

/** How a source is; kept in the store, so that every process tells the same. */
export interface SourceState {
  readonly problems: readonly SourceProblem[]
  /** the first moment of a trouble that no whole walk without problems has ended yet */
  readonly degradedSince: Date | undefined
  readonly lastWholeWalkAt: Date | undefined
  /** when the source was last asked for something, in vain or not */
  readonly lastTriedAt: Date | undefined
  /** what is really waited for; undefined while nothing is */
  readonly nextTryAt: Date | undefined
  /** the source itself asked to be left alone until then */
  readonly notBefore: Date | undefined
  /** undefined between whole walks */
  readonly walk: SourceWalk | undefined
}

/** `by inbox`: an account's Inbox_Messages; nobody walks those. */
export const sourceStatuses = ['ok', 'degraded', 'never walked', 'by inbox'] as const
export type SourceStatus = (typeof sourceStatuses)[number]

export const untried: SourceState = {
  problems: [],
  degradedSince: undefined,
  lastWholeWalkAt: undefined,
  lastTriedAt: undefined,
  nextTryAt: undefined,
  notBefore: undefined,
  walk: undefined,
}

export function statusOf({ degradedSince, lastWholeWalkAt }: SourceState): SourceStatus {
  if (degradedSince) return 'degraded'
  return lastWholeWalkAt ? 'ok' : 'never walked'
}

/** A trouble of before stays on record: only a whole walk ends it. */
export function walkBegan(state: SourceState, now: Date): SourceState {
  return {
    ...state,
    lastTriedAt: now,
    nextTryAt: undefined,
    notBefore: undefined,
    walk: { since: now, underWay: true },
  }
}

/** The source has answered: what was waited for is over, the trouble until the end of the walk is not. */
export function walkWentOn(state: SourceState, now: Date): SourceState {
  return { ...state, lastTriedAt: now, nextTryAt: undefined }
}

/** A trouble in the middle of a walk, which goes on; from here on the source is degraded. */
export function troubleMet(
  state: SourceState,
  problem: SourceProblem,
  nextTryAt: Date | undefined,
): SourceState {
  const { at } = problem
  const degradedSince = state.degradedSince ?? at
  return { ...state, problems: [problem], degradedSince, lastTriedAt: at, nextTryAt }
}

export function walkBroke(
  state: SourceState,
  problem: SourceProblem,
  notBefore: Date | undefined,
): SourceState {
  const walk = state.walk && { ...state.walk, underWay: false }
  return { ...troubleMet(state, problem, undefined), notBefore, walk }
}

/** @param problems what the walk, though whole, could not do; without any, the source is well */
export function walkWasWhole(
  state: SourceState,
  problems: readonly SourceProblem[],
  now: Date,
): SourceState {
  return {
    ...state,
    problems,
    degradedSince: problems.length > 0 ? (state.degradedSince ?? now) : undefined,
    lastWholeWalkAt: now,
    lastTriedAt: now,
    nextTryAt: undefined,
    notBefore: undefined,
    walk: undefined,
  }
}

export function waitsUntil(state: SourceState, nextTryAt: Date): SourceState {
  return { ...state, nextTryAt }
}
