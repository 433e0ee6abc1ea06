import type { IndicatorStory, StoryCollection } from '../model/indicator-story.ts'
import { minute } from './moment-text.ts'
import { printable } from './table.ts'

const mostFeeds = 4
const mostAccounts = 3

/** In one sentence, whether the indicator is served, and why or why not. */
export function storyHead(story: IndicatorStory): string {
  const { assertions, collections } = story
  const holding = collections.filter((one) => one.holds)
  if (holding.length > 0) return `${blockedBy(holding)}${byOverride(story)}`
  if (assertions.length === 0) return 'Not served: no source asserts it.'
  const surviving = assertions.filter((one) => !one.suppressed)
  if (surviving.length === 0) return keptOutFor(story)
  const recalled = surviving.every((one) => one.recalls.length > 0)
  const [recall] = story.recalls.filter(({ id }) =>
    surviving.some(({ recalls }) => recalls.includes(id)),
  )
  if (recalled && recall) {
    const { id, recalledBy, recalledAt, reason } = recall
    const who = printable(recalledBy)
    return `Taken out of every feed by ${who} at ${minute(recalledAt)}: ${printable(reason)} (withdrawal ${id}).`
  }
  const coming = collections.filter(({ why }) => why.some(({ kind }) => kind === 'pending'))
  if (coming.length > 0) {
    return `About to be served: ${coming.map((one) => one.name).join(', ')}.`
  }
  return 'Not served: it survives judging, but no collection takes it (see COLLECTIONS).'
}

function blockedBy(holding: readonly StoryCollection[]): string {
  const since = holding
    .flatMap(({ streams }) => streams.flatMap((one) => one.since ?? []))
    .reduce((a, b) => (a < b ? a : b))
  const read = holding.filter(({ accounts }) => accounts.length > 0)
  const unread = holding.filter(({ accounts }) => accounts.length === 0)
  if (read.length === 0) {
    const names = listed(unread.map(({ name }) => name))
    return `Served since ${minute(since)} by ${names}, which no account but administrators may poll.`
  }
  const also =
    unread.length === 0 ? '' : `; also in ${counted(unread.length)} for nobody but administrators`
  return `Blocked by ${listed(read.map(feedOf))}, served since ${minute(since)}${also}.`
}

function listed(words: readonly string[]): string {
  const shown = words.slice(0, mostFeeds).map(printable)
  const left = words.length - shown.length
  return left > 0 ? `${shown.join(', ')} and ${left} more` : shown.join(', ')
}

function counted(feeds: number): string {
  return feeds === 1 ? 'one feed' : `${feeds} feeds`
}

/** Where nothing survives but what an analyst let in. */
function byOverride({ assertions, overrides }: IndicatorStory): string {
  const surviving = assertions.filter((one) => !one.suppressed)
  const lifted = surviving.map(({ suppressions }) => suppressions.find((one) => one.liftedBy))
  const [first] = lifted
  if (!first?.liftedBy || lifted.some((one) => one === undefined)) return ''
  const { override: id, until } = first.liftedBy
  const made = overrides.find((one) => one.id === id)
  const why = made ? ` (${printable(made.madeBy)}: ${printable(made.because)})` : ''
  return `\nIt is there by override ${id}, although ${first.reason}, until ${minute(until)}${why}.`
}

function feedOf({ name, accounts }: StoryCollection): string {
  if (accounts.length === 1) return `${accounts[0]}'s feed ${name}`
  const left = accounts.length - mostAccounts
  const more = left > 0 ? ` and ${left} more` : ''
  return `the feed ${name} of ${accounts.slice(0, mostAccounts).join(', ')}${more}`
}

function keptOutFor({ assertions }: IndicatorStory): string {
  const reasons = new Map<string, string>()
  for (const { suppressions } of assertions) {
    for (const { reason, detail, counts, liftedBy } of suppressions) {
      if (counts && !liftedBy && !reasons.has(reason)) reasons.set(reason, detail)
    }
  }
  const words = [...reasons].map(([reason, detail]) => `${reason} (${printable(detail)})`)
  return `Kept out of every feed: ${words.join('; ')}.`
}
