import type {
  IndicatorStory,
  StoryAssertion,
  StoryCollection,
  StoryStream,
  StorySuppression,
} from '../model/indicator-story.ts'
import type { Override } from '../model/override.ts'
import type { Holder } from '../store/holders.ts'
import type { FoundIndicator } from '../store/search.ts'
import { holdersTable, howToPurge, mayBeHeld } from './holders-text.ts'
import { day, minute } from './moment-text.ts'
import { storyAdvice } from './story-advice.ts'
import { storyHead } from './story-head.ts'
import { formatTable, printable } from './table.ts'

export interface ToldStory {
  readonly story: IndicatorStory
  /** as it was asked for */
  readonly asked: string
  readonly holders: readonly Holder[]
  /** what contains it or lies in it */
  readonly near: readonly FoundIndicator[]
  /** what the judging policy makes of an assertion's confidence, where it says something */
  readonly trusted: (assertion: StoryAssertion) => number | undefined
}

// What is more is counted: a screen has some fifty lines.
const mostAssertions = 12
const mostJudgements = 14
const mostCollections = 16
const mostNames = 3
const mostOverrides = 6

/** The whole story of an indicator on one screen. */
export function storyText(told: ToldStory, now: Date): string {
  const { story, asked, holders, near } = told
  const other = asked === story.value ? '' : `   (asked for: ${printable(asked)})`
  return [
    `${story.type} ${printable(story.value)}${other}\n${storyHead(story)}`,
    assertionsText(told),
    judgementsText(told),
    recallsText(story),
    overridesText(story, now),
    collectionsText(story),
    holdersText(holders, now),
    nearText(near),
    storyAdvice(story, now),
  ]
    .filter((part) => part !== undefined)
    .join('\n\n')
}

function section(title: string, table: string, left = 0): string {
  const more = left > 0 ? `\n  … and ${left} more; --json has all` : ''
  return `${title}\n${table.replace(/^/gm, '  ')}${more}`
}

function assertionsText({ story: { assertions } }: ToldStory): string | undefined {
  if (assertions.length === 0) return undefined
  const shown = assertions.slice(0, mostAssertions)
  const rows = shown.map((one, index) => [
    `${index + 1}`,
    one.source,
    one.report ? shortened(one.report.name || one.report.externalId) : '',
    one.report ? shortened(one.report.author, 20) : '',
    one.tlp,
    one.confidence === one.assertedConfidence
      ? `${one.confidence}`
      : `${one.assertedConfidence} → ${one.confidence}`,
    day(one.validFrom),
    endText(one),
    one.role,
    stateText(one),
  ])
  const headings = [
    '#',
    'SOURCE',
    'REPORT',
    'AUTHOR',
    'TLP',
    'CONFIDENCE',
    'FROM',
    'ENDS',
    'ROLE',
    'STATE',
  ]
  const ids = shown.map(({ report }, index) => (report ? `#${index + 1} ${report.externalId}` : ''))
  const table = formatTable(headings, rows)
  const reports = `Reports: ${ids.filter((id) => id !== '').join(', ')}`
  return section('ASSERTED BY', `${table}\n${printable(reports)}`, assertions.length - shown.length)
}

function endText({ endsAt, validUntil }: StoryAssertion): string {
  if (!endsAt) return 'never'
  return `${day(endsAt)} ${validUntil ? 'by its source' : 'by its age'}`
}

function stateText(one: StoryAssertion): string {
  const { report } = one
  const words = [
    one.suppressed ? 'kept out' : one.recalls.length > 0 ? 'withdrawn' : 'counts',
    ...(report?.gone ? [`report gone (${report.gone})`] : []),
    ...(report && !report.current ? ['not in its newest version'] : []),
    ...(report && !report.whole ? ['report not whole yet'] : []),
    ...(report && !report.public ? ['not public'] : []),
    ...(one.active ? [] : ['switched off']),
  ]
  return words.join(', ')
}

function judgementsText({ story: { assertions }, trusted }: ToldStory): string | undefined {
  const rows = assertions.slice(0, mostAssertions).flatMap((one, index) => {
    const number = `${index + 1}`
    const trust = trusted(one)
    return [
      ...one.suppressions.map((x) => [number, x.reason, x.detail, x.rule, outcome(x)]),
      ...(trust !== undefined && trust !== one.assertedConfidence
        ? [[number, 'trust', `the policy gives it a confidence of ${trust}`, 'policy', '']]
        : []),
      ...one.remarks.map((x) => [
        number,
        x.effect === 'lower' ? 'lowered' : 'noted',
        x.detail,
        x.rule,
        x.effect === 'lower' ? 'lowers its confidence' : 'keeps nothing out',
      ]),
    ]
  })
  if (rows.length === 0) return undefined
  const shown = rows.slice(0, mostJudgements)
  const table = formatTable(['#', 'JUDGED', 'DETAIL', 'RULE', 'OUTCOME'], shown)
  return section('WHY, OF EACH ASSERTION', table, rows.length - shown.length)
}

function outcome({ counts, liftedBy, since }: StorySuppression): string {
  if (liftedBy) return `lifted by override ${liftedBy.override} until ${minute(liftedBy.until)}`
  if (!counts) return 'each collection decides'
  return `kept out since ${minute(since)}`
}

function recallsText({ recalls }: IndicatorStory): string | undefined {
  if (recalls.length === 0) return undefined
  const rows = recalls.map((one) => [
    one.id,
    one.subject,
    one.reason,
    one.recalledBy,
    minute(one.recalledAt),
  ])
  return section('WITHDRAWN BY', formatTable(['NUMBER', 'WHAT', 'REASON', 'BY', 'AT'], rows))
}

function overridesText({ overrides }: IndicatorStory, now: Date): string | undefined {
  if (overrides.length === 0) return undefined
  const shown = overrides.slice(0, mostOverrides)
  const rows = shown.map((one) => [
    one.id,
    one.reason,
    one.rule ?? 'any',
    one.because,
    one.madeBy,
    minute(one.expiresAt),
    overrideState(one, now),
  ])
  const headings = ['NUMBER', 'REASON', 'RULE', 'BECAUSE', 'BY', 'UNTIL', 'STATE']
  return section('OVERRIDES', formatTable(headings, rows), overrides.length - shown.length)
}

/** What has become of an override, in a few words. */
export function overrideState(one: Override, now: Date): string {
  if (one.endedAt) return `ended ${minute(one.endedAt)} by ${one.endedBy}`
  if (one.expiresAt <= now) return 'over'
  return one.lifts > 0 ? `lifts ${one.lifts}` : 'nothing to lift now'
}

function collectionsText({ collections }: IndicatorStory): string {
  if (collections.length === 0) return 'There is no collection yet: `taxiway apply` makes them.'
  const holding = collections.filter((one) => one.holds)
  const refusing = collections.filter((one) => !one.holds)
  // What a person can change comes before rules that are about something else; the same is told once.
  const isOther = ({ why }: StoryCollection) => why.every(({ kind }) => kind === 'rule')
  const sorted = [...refusing.filter((one) => !isOther(one)), ...refusing.filter(isOther)]
  const rows = [...Map.groupBy([...holding, ...sorted], ownText).values()].map((alike) => {
    const [first] = alike as [StoryCollection, ...StoryCollection[]]
    const names = alike.slice(0, mostNames).map(({ name }) => name)
    const left = alike.length - names.length
    return [
      `${names.join(', ')}${left > 0 ? ` and ${left} more` : ''}`,
      first.holds ? 'yes' : 'no',
      blocksText(first),
      whyText(first),
    ]
  })
  const shown = rows.slice(0, mostCollections)
  const table = formatTable(['COLLECTION', 'HELD', 'PUBLISHED', 'WHY NOT'], shown)
  return section('COLLECTIONS', table, rows.length - shown.length)
}

function ownText(one: StoryCollection): string {
  return `${one.holds} ${blocksText(one)} ${whyText(one)}`
}

function whyText({ why }: StoryCollection): string {
  return why.map(({ text }) => text).join('; ')
}

function blocksText({ streams }: StoryCollection): string {
  const told = Map.groupBy(streams, streamText)
  return [...told]
    .map(
      ([text, alike]) =>
        `${text} (STIX ${alike.map(({ binding }) => versionOf(binding)).join(', ')})`,
    )
    .join('; ')
}

function streamText(one: StoryStream): string {
  const from = minute(one.since ?? one.firstPublished)
  if (one.withdrawnAt) return `${from} until ${minute(one.withdrawnAt)}`
  return one.blocks > 1 ? `${from}, last ${minute(one.lastPublished)}` : from
}

function versionOf(binding: string): string {
  return binding.slice(binding.lastIndexOf(':') + 1)
}

function holdersText(holders: readonly Holder[], now: Date): string {
  if (holders.length === 0) return 'SENT TO\n  no client, as far as the ledger goes back'
  const purge = mayBeHeld(holders, now) ? `\n${howToPurge}` : ''
  return section('SENT TO', `${holdersTable(holders, now)}${purge}`)
}

/** Indicators in a table, as a search prints them. */
export function foundTable(found: readonly FoundIndicator[]): string {
  const rows = found.map((one) => [
    one.type,
    one.value,
    one.state,
    one.collections.length > 3
      ? `${one.collections.slice(0, 3).join(', ')} and ${one.collections.length - 3} more`
      : one.collections.join(', '),
    one.newestReport ? `${day(one.newestReport.modified)} ${shortened(one.newestReport.name)}` : '',
  ])
  return formatTable(['TYPE', 'VALUE', 'STATE', 'COLLECTIONS', 'NEWEST REPORT'], rows)
}

function nearText(near: readonly FoundIndicator[]): string | undefined {
  return near.length === 0 ? undefined : section('NEAR IT', foundTable(near))
}

function shortened(text: string, most = 36): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
