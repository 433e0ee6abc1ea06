import { defaultPolicy, type JudgingPolicy, type PolicySettings } from '../curation/policy.ts'
import { type Reason, reasons } from '../curation/reasons.ts'
import { comparePolicies, type PolicyChange } from '../intake/apply-policy.ts'
import type { PolicyPreview } from '../intake/preview-policy.ts'
import type { Rejudged } from '../intake/rejudge.ts'
import type { Db } from '../store/db.ts'
import { findUnheardAuthors, type JudgingState } from '../store/judging.ts'
import { formatTable, printable } from './table.ts'

const nobody: JudgingPolicy = {
  ...defaultPolicy,
  ageDays: {},
  heldBackTypes: [],
  sources: {},
}

/** Every setting in force, and which of them the policy itself does not name. */
export function describePolicy(
  policy: JudgingPolicy,
  settings: PolicySettings,
  state: JudgingState,
): string {
  const named = new Set(flatNames(settings))
  const rows = flatSettings(policy).map(([setting, value]) => [
    setting,
    show(value),
    named.has(setting) ? '' : 'default',
  ])
  return [
    formatTable(['SETTING', 'VALUE', ''], rows),
    '',
    `Version ${state.version}. ${describeProgress(state)}`,
  ].join('\n')
}

export function describeProgress(state: JudgingState): string {
  const { version, judgedVersion, judgingVersion, judgedThrough } = state
  if (judgedVersion >= version) return 'All verdicts follow it.'
  const done = judgingVersion === version ? `those up to indicator ${judgedThrough} do; ` : ''
  return `Not all verdicts follow it yet: ${done}the next sweep of the service goes on.`
}

export function describeChanges(changes: readonly PolicyChange[] | undefined): string {
  if (changes === undefined) {
    return 'The policy in the store could not be read; this one takes its place.'
  }
  if (changes.length === 0) return 'The policy is the one in force already.'
  return changes
    .map(({ setting, from, to }) => {
      if (Array.isArray(from) && Array.isArray(to)) return `~ ${setting}: ${listChange(from, to)}`
      const mark = from === undefined ? '+' : to === undefined ? '-' : '~'
      return `${mark} ${printable(setting)}: ${show(from)} → ${show(to)}`
    })
    .join('\n')
}

export function describeApplied({ changed, published, withdrawn }: Rejudged): string {
  return `${changed} verdicts changed: ${published} blocks published, ${withdrawn} withdrawn.`
}

export function describePreview(preview: PolicyPreview): string {
  const { indicators, keptOut, back, otherwise } = preview
  const lines = [
    `Of ${indicators} indicators:`,
    `  ${keptOut} that are served now would be kept out`,
    `  ${back} that are kept out now would come back, where a collection's rule permits them`,
    `  ${otherwise} that are served would be so with another end or another confidence`,
  ]
  if (preview.reasons.length > 0) {
    const rows = preview.reasons.map(({ reason, indicators }) => [
      reason,
      indicators,
      reasons[reason as Reason] ?? '',
    ])
    lines.push(
      '',
      'What would keep out:',
      formatTable(['REASON', 'INDICATORS', 'WHAT IT MEANS'], rows),
    )
  }
  return lines.join('\n')
}

/** Authors whom the policy names and nobody knows: a slip of the pen would go unseen. */
export async function describeUnheard(db: Db, { sources = {} }: PolicySettings): Promise<string[]> {
  const lines: string[] = []
  for (const [source, { authors = {} }] of Object.entries(sources)) {
    for (const author of await findUnheardAuthors(db, source, Object.keys(authors))) {
      lines.push(
        `Note: no report of ${printable(source)} in the store is by "${printable(author)}".`,
      )
    }
  }
  return lines
}

function flatSettings(policy: JudgingPolicy): readonly (readonly [string, unknown])[] {
  const lists = (['ownDomains', 'ownRanges', 'heldBackTypes'] as const).map(
    (key) => [key, policy[key]] as const,
  )
  const others = comparePolicies({ ...nobody, ...blank }, policy).flatMap(({ setting, to }) =>
    Array.isArray(to) ? [] : [[setting, to] as const],
  )
  return [...lists, ...others]
}

// No value of a policy is NaN, so that each of these differs.
const blank = {
  listedConfidencePercent: Number.NaN,
  broadestCidr: { ipv4: Number.NaN, ipv6: Number.NaN },
}

function flatNames(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path]
  return Object.entries(value).flatMap(([key, one]) =>
    flatNames(one, path === '' ? key : `${path}.${key}`),
  )
}

function listChange(from: readonly unknown[], to: readonly unknown[]): string {
  const gone = from.filter((one) => !to.includes(one)).map((one) => `-${printable(String(one))}`)
  const come = to.filter((one) => !from.includes(one)).map((one) => `+${printable(String(one))}`)
  const all = [...come, ...gone]
  return all.length > 20
    ? `${all.slice(0, 20).join(' ')} and ${all.length - 20} more`
    : all.join(' ')
}

function show(value: unknown): string {
  if (value === undefined) return 'none'
  if (!Array.isArray(value)) return printable(String(value))
  return value.length === 0 ? 'none' : value.map((one) => printable(String(one))).join(', ')
}
