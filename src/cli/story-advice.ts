import { notLiftable, type Reason } from '../curation/reasons.ts'
import type { IndicatorStory } from '../model/indicator-story.ts'
import { printable } from './table.ts'

/** What an operator can do about it, each as a command. */
export function storyAdvice(story: IndicatorStory, now: Date): string | undefined {
  const value = shellWord(story.value)
  const lines: string[] = []
  if (story.collections.some((one) => one.holds)) {
    lines.push(`taxiway withdraw indicator ${value} --reason "…"       takes it out of every feed`)
  }
  for (const { id } of story.recalls) {
    lines.push(`taxiway withdraw undo ${id}       publishes again what that withdrawal keeps out`)
  }
  for (const reason of openReasons(story)) {
    const way = notLiftable[reason as Reason]
    lines.push(
      way === undefined
        ? `taxiway indicator override ${value} --reason ${reason} --because "…" --until 30d`
        : `${reason} cannot be lifted: ${way}`,
    )
  }
  for (const { id, endedAt, expiresAt } of story.overrides) {
    if (!endedAt && expiresAt > now) {
      lines.push(`taxiway indicator override end ${id}       lets its reason count again`)
    }
  }
  if (lines.length === 0) return undefined
  return `WHAT YOU CAN DO\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/** Reasons that keep assertions out, where none survives. */
function openReasons({ assertions }: IndicatorStory): readonly string[] {
  if (assertions.some((one) => !one.suppressed)) return []
  const open = assertions.flatMap(({ suppressions }) =>
    suppressions.filter(({ counts, liftedBy }) => counts && !liftedBy),
  )
  return [...new Set(open.map(({ reason }) => reason))]
}

/** A value as a shell reads it back. */
export function shellWord(value: string): string {
  const text = printable(value)
  return /^[\w.:/@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
