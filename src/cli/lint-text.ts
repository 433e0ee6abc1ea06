import type { Collection, Shape } from '../model/collection.ts'
import type { Reason } from '../taxii/client/reading.ts'
import type { LintCounts } from './lint-tally.ts'
import { printable } from './table.ts'

export interface Lint {
  /** with its own shape */
  readonly collection: Collection
  /** what was asked about: its own, or another */
  readonly shape: Shape
  /** whether what it publishes does not follow its settings yet */
  readonly behind: boolean
  readonly counts: LintCounts
  readonly worthKnowing: readonly Reason[]
}

export function lintText({ collection, shape, behind, counts, worthKnowing }: Lint): string {
  const { name, packaging, bindings, maxTlp } = collection
  const own = shape.profile === collection.profile && shape.cidr === collection.cidr
  const publicity = collection.nonPublic ? 'what is not public too' : 'what is public'
  const head = [
    `${name}${own ? '' : `, if it had another shape: its own is profile ${collection.profile}, cidr ${collection.cidr}`}`,
    `  profile    ${shape.profile}`,
    `  cidr       ${shape.cidr}`,
    `  packaging  ${packaging}`,
    `  bindings   ${bindings.join(', ')}`,
    `  permitted  ${counts.permitted} by its rule, its maxTlp (${maxTlp}) and its publicity (${publicity})`,
    `  ${own ? 'published ' : 'would be  '} ${counts.published}${own ? '' : ' published'}`,
    `  left out   ${counts.leftOut}`,
  ].join('\n')
  return [
    head,
    ...(behind
      ? [
          'Its settings have changed, and what it serves does not follow them yet; within a minute of a running service it does.',
        ]
      : []),
    leftOutText(counts),
    ...(worthKnowing.length > 0 ? [worthKnowingText(worthKnowing)] : []),
  ].join('\n\n')
}

function leftOutText({ permitted, leftOut, groups }: LintCounts): string {
  if (permitted === 0) {
    return 'Nothing is permitted, so nothing can be left out. What judging and collections keep out: taxiway suppressions --collections'
  }
  if (leftOut === 0) return 'Nothing is left out.'
  const lines = groups.flatMap(({ type, rule, count, text, examples }) => [
    `  ${count} ${type}, by the rule ${rule}: ${examples.map(shortened).join(', ')}${count > examples.length ? ', …' : ''}`,
    `    ${printable(text)}`,
  ])
  return `LEFT OUT\n${lines.join('\n')}\n  Each of them: --values`
}

const mostWidth = 40

/** Of a YARA rule and the like the beginning tells which it is. */
function shortened(value: string): string {
  const shown = printable(value)
  return shown.length > mostWidth ? `${shown.slice(0, mostWidth - 1)}…` : shown
}

function worthKnowingText(notes: readonly Reason[]): string {
  const rows = notes.map(({ grade, text }) => `  ${grade.padEnd(10)}  ${text}`)
  return `WORTH KNOWING (documented: in a public document; believed: inferred; guess: to be careful)\n${rows.join('\n')}`
}

export function lintJson({ collection, shape, behind, counts, worthKnowing }: Lint): string {
  const { name, packaging, bindings, maxTlp, nonPublic, pageSize, refreshDays } = collection
  const { groups, ...numbers } = counts
  return JSON.stringify({
    collection: name,
    profile: shape.profile,
    cidr: shape.cidr,
    ownProfile: collection.profile,
    ownCidr: collection.cidr,
    packaging,
    bindings,
    maxTlp,
    nonPublic,
    pageSize: pageSize ?? null,
    refreshDays: refreshDays ?? null,
    behindSettings: behind,
    ...numbers,
    groups,
    worthKnowing,
  })
}
