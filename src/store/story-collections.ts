import { sql } from 'kysely'
import type { Shape } from '../model/collection.ts'
import type {
  StoryAssertion,
  StoryCollection,
  StoryStream,
  StoryWhy,
} from '../model/indicator-story.ts'
import type { Micros } from '../model/micros.ts'
import type { ObservableType } from '../model/observable.ts'
import { type RuleFacts, type RuleLeaf, ruleLeaves, whyNotSelected } from '../model/rule-words.ts'
import { namesInbox, takesSent } from '../model/selection.ts'
import { tlpRank } from '../model/tlp.ts'
import { bindingOf, readCollections, type StoredCollection } from './collections.ts'
import type { Db } from './db.ts'
import { blocksShowing } from './live.ts'
import { ruleToSql } from './rules.ts'

/** @returns why a shape leaves an indicator out, as `text`; undefined: it does not */
export type FindLeftOut = (
  shape: Shape,
  type: ObservableType,
  value: string,
) => { readonly text: string } | undefined

interface Told {
  readonly id: number
  readonly type: ObservableType
  readonly assertions: readonly StoryAssertion[]
  readonly value: string
  readonly findLeftOut: FindLeftOut
  readonly now: Date
}

/** Tells of each collection whether it holds the indicator, and if not, why not. */
export async function readStoryCollections(
  db: Db,
  told: Told,
): Promise<readonly StoryCollection[]> {
  const collections = await readCollections(db)
  const streams = await readStreams(db, told.id)
  const accounts = await readReaders(db)
  const select = await readSelections(db, told, collections)
  const found = collections.map((collection): StoryCollection => {
    const own = streams.get(collection.id) ?? []
    const holds = own.some(({ live }) => live)
    return {
      name: collection.name,
      holds,
      accounts: accounts.get(collection.id) ?? [],
      why: explain(collection, told, holds, select),
      streams: own,
    }
  })
  return found.sort((a, b) => Number(b.holds) - Number(a.holds) || (a.name < b.name ? -1 : 1))
}

/** @returns why a collection's rule does not select an assertion; undefined: it does */
type WhyNot = (collection: StoredCollection, assertion: StoryAssertion) => string | undefined

function explain(
  collection: StoredCollection,
  { type, value, assertions, findLeftOut }: Told,
  holds: boolean,
  whyNot: WhyNot,
): readonly StoryWhy[] {
  const why = reasonsAgainst(collection, assertions, whyNot)
  const leftOut = findLeftOut(collection, type, value)
  const against: readonly StoryWhy[] = leftOut
    ? [{ kind: 'profile', text: leftOut.text }, ...why]
    : why
  const behind = collection.reconciledVersion < collection.settingsVersion
  const because = behind ? ', when it follows its changed settings' : ''
  if (holds) {
    if (against.length === 0) return []
    const text = `about to be taken out${because}: ${against.map((one) => one.text).join('; ')}`
    return [{ kind: 'pending', text }]
  }
  if (against.length > 0) return against
  return [{ kind: 'pending', text: `about to be published${because}` }]
}

function reasonsAgainst(
  { maxTlp, nonPublic, ...collection }: StoredCollection,
  assertions: readonly StoryAssertion[],
  whyNot: WhyNot,
): readonly StoryWhy[] {
  if (assertions.length === 0) return [{ kind: 'unasserted', text: 'no source asserts it' }]
  const surviving = assertions.filter((one) => !one.suppressed)
  if (surviving.length === 0) {
    return [{ kind: 'suppressed', text: 'no assertion of it survives judging' }]
  }
  const served = surviving.filter((one) => one.recalls.length === 0)
  if (served.length === 0) {
    const numbers = [...new Set(surviving.flatMap((one) => one.recalls))].sort((a, b) => a - b)
    const what = numbers.length === 1 ? 'withdrawal' : 'withdrawals'
    return [{ kind: 'withdrawn', text: `taken out by ${what} ${numbers.join(', ')}` }]
  }
  const found = new Map<string, StoryWhy>()
  for (const assertion of served) {
    const why: StoryWhy[] = []
    if (tlpRank(assertion.tlp) > tlpRank(maxTlp)) {
      why.push({ kind: 'tlp', text: `TLP ${assertion.tlp} is above its maxTlp, ${maxTlp}` })
    }
    if (!nonPublic && assertion.report?.public === false) {
      why.push({ kind: 'not-public', text: 'the report is not public; it has no nonPublic' })
    }
    const unselected = whyNot({ maxTlp, nonPublic, ...collection }, assertion)
    if (unselected !== undefined) {
      why.push({ kind: 'rule', text: `its rule does not select it: ${unselected}` })
    }
    if (why.length === 0) return []
    for (const one of why) found.set(one.text, one)
  }
  return [...found.values()]
}

interface SelectionRow {
  id: number
  tags: string[]
  sent_to: string[]
  holds: boolean[]
}

/** Asks the database itself which conditions hold, so that it is told what is done. */
async function readSelections(
  db: Db,
  { id, type, assertions, now }: Told,
  collections: readonly StoredCollection[],
): Promise<WhyNot> {
  const leaves = new Map<string, RuleLeaf>()
  for (const { rule } of collections) {
    for (const leaf of ruleLeaves(rule)) leaves.set(JSON.stringify(leaf), leaf)
  }
  const places = new Map([...leaves.keys()].map((key, place) => [key, place]))
  const holds = new Map<number, readonly boolean[]>()
  const reports = new Map<
    number,
    { readonly tags: readonly string[]; readonly sentTo: readonly string[] }
  >()
  if (collections.length > 0) {
    const conditions = [...leaves.values()].map((leaf) => ruleToSql(leaf, now))
    const { rows } = await sql<SelectionRow>`
      select a.id, coalesce(r.tags, '{}') as tags, coalesce(r.sent_to, '{}') as sent_to,
        ${conditions.length > 0 ? sql`array[${sql.join(conditions)}]` : sql`'{}'`}::boolean[] as holds
      from assertions a join indicators i on i.id = a.indicator_id
        join sources s on s.id = a.source_id left join reports r on r.id = a.report_id
      where a.indicator_id = ${id}::bigint`.execute(db)
    for (const row of rows) {
      holds.set(row.id, row.holds)
      reports.set(row.id, { tags: row.tags, sentTo: row.sent_to })
    }
  }
  const facts = new Map(
    assertions.map((one): [number, RuleFacts] => [
      one.id,
      {
        source: one.source,
        author: one.report?.author ?? '',
        tags: reports.get(one.id)?.tags ?? [],
        sentTo: reports.get(one.id)?.sentTo ?? [],
        type,
        tlp: one.tlp,
        confidence: one.confidence,
        ageDays: Math.max(0, now.getTime() - one.validFrom.getTime()) / 86_400_000,
      },
    ]),
  )
  return (collection, assertion) => {
    const has = facts.get(assertion.id) as RuleFacts
    if (takesSent(collection, has.sentTo)) return undefined
    if (has.sentTo.length > 0 && !namesInbox(collection.rule)) {
      return `it came by an Inbox_Message to ${has.sentTo.join(', ')}, of which the rule says nothing`
    }
    return whyNotSelected(collection.rule, has, (leaf) => {
      const place = places.get(JSON.stringify(leaf)) as number
      return holds.get(assertion.id)?.[place] === true
    })
  }
}

/** The blocks that show the indicator, by collection and stream. */
async function readStreams(
  db: Db,
  indicatorId: number,
): Promise<ReadonlyMap<number, readonly StoryStream[]>> {
  const { rows } = await sql<{
    collection_id: number
    binding: number
    live: boolean
    first: Micros
    last: Micros
    since: Micros | null
    blocks: number
    superseded: number
    withdrawn_at: Date | null
  }>`
    select collection_id, binding, bool_or(superseded_by is null and not withdrawn) as live,
      min(label) as first, max(label) as last, min(label) filter (where not withdrawn) as since,
      count(*)::integer as blocks,
      count(*) filter (where superseded_by is not null)::integer as superseded,
      max(withdrawn_at) filter (where withdrawn) as withdrawn_at
    from (
      select b.collection_id, b.binding, b.superseded_by, p.base_label + b.ordinal as label,
        w.through_publication is not null as withdrawn, w.withdrawn_at
      from ${blocksShowing(sql`${indicatorId}::bigint`)} b
        join publications p on p.id = b.publication_id
        left join lateral (
          select through_publication, withdrawn_at from withdrawals
          where subject_id = b.subject_id and through_publication >= b.publication_id
            and (collection_id = 0 or (collection_id = b.collection_id and binding = b.binding))
          order by withdrawn_at limit 1) as w on true) as block
    group by collection_id, binding order by collection_id, binding`.execute(db)
  const found = new Map<number, StoryStream[]>()
  for (const row of rows) {
    const list = found.get(row.collection_id) ?? []
    list.push({
      binding: bindingOf(row.binding),
      live: row.live,
      firstPublished: dateOf(row.first),
      lastPublished: dateOf(row.last),
      since: row.live && row.since !== null ? dateOf(row.since) : undefined,
      blocks: row.blocks,
      superseded: row.superseded,
      withdrawnAt: row.live ? undefined : (row.withdrawn_at ?? undefined),
    })
    found.set(row.collection_id, list)
  }
  return found
}

function dateOf(label: Micros): Date {
  return new Date(Math.floor(label / 1000))
}

async function readReaders(db: Db): Promise<ReadonlyMap<number, readonly string[]>> {
  const rows = await db
    .selectFrom('grants')
    .innerJoin('accounts', 'accounts.id', 'grants.account_id')
    .select(['grants.collection_id', 'accounts.name'])
    .where('grants.can_read', '=', true)
    .orderBy('accounts.name')
    .execute()
  const found = Map.groupBy(rows, (row) => row.collection_id)
  return new Map([...found].map(([id, grants]) => [id, grants.map((grant) => grant.name)]))
}
