import type { ObservableType } from '../model/observable.ts'

/** Why an indicator is left out: by the shape (stix/profiles.ts), or by the packaging. */
export interface Omission {
  readonly rule: string
  /** the end of a sentence that begins with the indicator */
  readonly text: string
}

/** Indicators of one type that are left out for one reason. */
export interface LeftOutGroup extends Omission {
  readonly type: ObservableType
  readonly count: number
  /** up to three, the first that were met */
  readonly examples: readonly string[]
}

export interface LintCounts {
  readonly permitted: number
  readonly published: number
  readonly leftOut: number
  /** the largest first */
  readonly groups: readonly LeftOutGroup[]
}

export interface LintTally {
  add(type: ObservableType, value: string, omission: Omission | undefined): void
  counts(): LintCounts
}

const mostExamples = 3

/** Counts what is left out by type and rule; what it keeps does not grow with what it counts. */
export function createLintTally(): LintTally {
  const groups = new Map<string, Draft>()
  let permitted = 0
  let leftOut = 0
  return {
    add(type, value, omission) {
      permitted += 1
      if (!omission) return
      leftOut += 1
      const { rule, text } = omission
      const key = `${type} ${rule}`
      let group = groups.get(key)
      if (!group) {
        group = { type, rule, text, count: 0, examples: [] }
        groups.set(key, group)
      }
      group.count += 1
      if (group.examples.length < mostExamples) group.examples.push(value)
    },
    counts: () => ({
      permitted,
      published: permitted - leftOut,
      leftOut,
      groups: [...groups.values()].sort((a, b) => b.count - a.count || byName(a, b)),
    }),
  }
}

interface Draft extends LeftOutGroup {
  count: number
  readonly examples: string[]
}

function byName(a: LeftOutGroup, b: LeftOutGroup): number {
  return `${a.type} ${a.rule}` < `${b.type} ${b.rule}` ? -1 : 1
}
