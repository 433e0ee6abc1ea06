import { performance } from 'node:perf_hooks'
import { sql } from 'kysely'
import { readToldStory } from '../src/cli/indicator-show.ts'
import { storyText } from '../src/cli/story-text.ts'
import { SearchTooBroad } from '../src/model/errors.ts'
import { parseSearchText } from '../src/model/search.ts'
import { readCollections } from '../src/store/collections.ts'
import { type Db, openStore } from '../src/store/db.ts'
import { findNamedIndicators } from '../src/store/named-indicators.ts'
import { type SearchRequest, searchIndicators } from '../src/store/search.ts'
import { countLeftToCollections, countRules, readSuppressions } from '../src/store/suppressions.ts'
import { withDatabase } from './database.ts'
import { benchCollection, makeFeeds } from './fill.ts'
import { atMost, type Line, percentile, plain, summarize } from './measure.ts'

const indicators = 1_000_000
const asked = 500

/**
 * `indicator show` and `indicator search` on a store of 1,000,000 indicators. The start of the process, some
 * 0.3 s of a command, is not counted.
 */
export async function benchShow(_runs: number): Promise<readonly Line[]> {
  return withDatabase(async (database) => {
    const store = await openStore({ databaseUrl: database, dataDir: '' })
    try {
      const { db } = store
      await makeFeeds(db, [
        benchCollection({ name: 'network', rule: { not: { type: ['md5', 'sha256'] } } }),
        benchCollection({
          name: 'both',
          bindings: ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'],
        }),
        benchCollection({ name: 'hashes', rule: { type: ['md5', 'sha256'] } }),
        ...Array.from({ length: 20 }, (_, n) =>
          benchCollection({ name: `author-${n}`, rule: { author: `author ${n}` } }),
        ),
      ])
      await fillStore(db)
      return [
        ...(await benchStories(db)),
        ...(await benchSearches(db)),
        ...(await benchSuppressions(db)),
      ]
    } finally {
      await store.close()
    }
  })
}

async function benchStories(db: Db): Promise<readonly Line[]> {
  const values = await someValues(db)
  const times: number[] = []
  const idle: number[] = []
  let lines = 0
  for (const value of values) {
    idle.push(await timeMs(() => sql`select 1`.execute(db)))
    const begin = performance.now()
    const [found = []] = await findNamedIndicators(db, [value])
    const [one] = found
    if (!one) throw new Error(`${value} is not in the store`)
    const now = new Date()
    lines += storyText(await readToldStory(db, one, value, now), now).split('\n').length
    times.push(performance.now() - begin)
  }
  if (lines / values.length < 20) throw new Error('the stories are short')
  return [
    atMost('indicator show of 1,000,000, 500 values: p95', percentile(times, 95), 'ms', 50),
    plain('  median', summarize(times), 'ms'),
    // What the machine takes for a query that does nothing, of which a story has twenty.
    plain('  beside them, a query of nothing: p95', percentile(idle, 95), 'ms'),
    plain('  median', summarize(idle), 'ms'),
  ]
}

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

/** Spread over all, in an order of their own, so that no cache helps more than it would an analyst. */
async function someValues(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ value: string }>`
    select i.value from generate_series(1, ${asked}::integer) n
      join indicators i on i.id = 1 + (n::bigint * 7919 * 131) % ${indicators}::bigint`.execute(db)
  return rows.map((row) => row.value)
}

async function benchSearches(db: Db): Promise<readonly Line[]> {
  const searches: readonly (readonly [string, string, Partial<SearchRequest>])[] = [
    ['a part that one indicator has', 'host-777778.', {}],
    ['a part that nearly all have', 'bench', {}],
    ['a part that none has', 'nowhere-at-all', {}],
    ['a prefix', 'host-9999*', {}],
    ['a suffix', '*99.bench-demo.com', {}],
    ['a /24', '11.1.2.0/24', {}],
    ['a report', '', { report: 'r1234' }],
    ['an author and a type', '', { author: 'author 7', type: 'ipv4' }],
    ['a tag', '', { tag: 'tag-3' }],
    ['what is kept out for a reason', '', { reason: 'aged' }],
    ['the same with a part that none has', 'nowhere-at-all', { reason: 'aged' }],
    ['what a collection serves', '', { collection: 'hashes' }],
    ['what is kept out', 'host-1', { suppressed: true }],
  ]
  const lines: Line[] = []
  for (const [what, text, filters] of searches) {
    const times: number[] = []
    let found = 0
    try {
      for (let run = 0; run < 5; run += 1) {
        const begin = performance.now()
        const page = await searchIndicators(db, {
          text: parseSearchText(text),
          limit: 50,
          timeoutMs: 1_000,
          ...filters,
        })
        times.push(performance.now() - begin)
        found = page.found.length
      }
      const name = `search of 1,000,000, ${what} (${found} rows)`
      lines.push(atMost(name, summarize(times), 'ms', 1_000))
    } catch (error) {
      if (!(error instanceof SearchTooBroad)) throw error
      lines.push({
        what: `search of 1,000,000, ${what}`,
        figure: error.message,
        limit: '',
        holds: undefined,
      })
    }
  }
  return lines
}

/** Last, because it leaves 3,000,000 suppressions. */
async function benchSuppressions(db: Db): Promise<readonly Line[]> {
  await sql`
    insert into suppressions (assertion_id, reason, rule, detail, since, counts)
    select a.id, x.reason, x.rule || a.id % 300, 'it is there', now(), false
    from assertions a, (values ('warninglist', 'warninglist:list-'), ('aged', 'age:'),
      ('broad-network', 'cidr:')) as x (reason, rule)
    on conflict do nothing`.execute(db)
  await sql`analyze suppressions`.execute(db)
  const lines: Line[] = []
  for (const [what, work] of [
    ['listed, 100 of a reason', () => readSuppressions(db, { reason: 'aged', limit: 100 })],
    [
      'listed, 100 of a rule',
      () => readSuppressions(db, { reason: undefined, rule: 'age:299', limit: 100 }),
    ],
    ['counted by reason and rule', () => countRules(db)],
    ['counted by rule, of a reason', () => countRules(db, { reason: 'aged' })],
    ['what collections keep out', () => countLeftToCollections(db)],
  ] as const) {
    const times: number[] = []
    for (let run = 0; run < 5; run += 1) times.push(await timeMs(work))
    lines.push(plain(`3,600,000 suppressions, ${what}`, summarize(times), 'ms'))
  }
  return lines
}

/**
 * The tables as taking in 2,000 pulses of 500 indicators, a fifth of them in two, would leave them, two
 * refreshes and 5,000 polls later; written by the database itself, without packages, which no story reads.
 */
async function fillStore(db: Db): Promise<void> {
  await sql`
    insert into sources (name) values ('otx'), ('lab')`.execute(db)
  await sql`
    insert into reports (source_id, external_id, name, description, author, tlp, public, revision, created,
      modified, tags, tag_keys, refs, details, version, digest)
    select 1 + (n % 10 = 0)::integer, 'r' || n, 'Report ' || n, '', 'author ' || n % 50, 0, n % 25 <> 0, '1',
      now() - n * interval '1 hour', now() - n * interval '1 hour', array['Tag-' || n % 40],
      array['tag-' || n % 40], '{}', '{}', 1, '\\x00'
    from generate_series(1, 2000) n`.execute(db)
  await sql`
    insert into indicators (type, value, key)
    select type, value, substring(sha256(convert_to(type, 'UTF8') || '\\x00'::bytea
      || convert_to(value, 'UTF8')) from 1 for 16)
    from (
      select case n % 5 when 0 then 'ipv4' when 1 then 'url' when 2 then 'sha256' else 'domain' end as type,
        case n % 5
          when 0 then '11.' || n / 65536 || '.' || n / 256 % 256 || '.' || n % 256
          when 1 then 'https://host-' || n || '.bench-demo.com/' || md5(n::text)
          when 2 then encode(sha256(convert_to(n::text, 'UTF8')), 'hex')
          else 'host-' || n || '.bench-demo.com' end as value
      from generate_series(1, ${indicators}::integer) n) as made`.execute(db)
  await sql`
    insert into assertions (indicator_id, source_id, report_id, report_version, title, description, role,
      tlp, confidence, asserted_confidence, valid_from, ends_at, judge_at, active, suppressed)
    select i.id, r.source_id, r.id, 1, '', '', 'c2', i.id % 97 / 90 * 2, 25, 25, now() - interval '10 days',
      now() + interval '80 days', now() + interval '80 days', true, i.id % 20 = 0
    from indicators i cross join generate_series(0, 1) of
      join reports r on r.id = 1 + (i.id / 500 + of * 777) % 2000
    where of = 0 or i.id % 5 = 0`.execute(db)
  await sql`
    insert into suppressions (assertion_id, reason, rule, detail, since, counts)
    select a.id, case when a.id % 3 = 0 then 'aged' else 'private-address' end, 'range:11.0.0.0/8',
      'it lies there', now(), true
    from assertions a where a.suppressed
    union all select a.id, 'not-public', 'source:public', 'the report is not public', now(), false
    from assertions a join reports r on r.id = a.report_id where not r.public`.execute(db)
  await sql`analyze`.execute(db)
  await fillFeeds(db)
  await sql`vacuum analyze`.execute(db)
}

const publications = indicators / 2_500
const dayMicros = 86_400_000_000

/** Each live indicator has a block that was refreshed twice; every hundredth was withdrawn. */
async function fillFeeds(db: Db): Promise<void> {
  let firstId = 1
  for (const { id, name, bindings } of (await readCollections(db)).slice(0, 3)) {
    for (let binding = 1; binding <= bindings.length; binding += 1) {
      for (const round of [0, 1, 2]) {
        await writeRound(db, { firstId, id, name, binding, round })
        firstId += publications
      }
    }
  }
  await sql`select setval('publications_id_seq', ${firstId})`.execute(db)
  await sql`
    insert into withdrawals (subject_id, collection_id, binding, through_publication, withdrawn_at)
    select id, 0, 0, ${firstId}, now() from indicators where id % 100 = 1`.execute(db)
  await fillLedger(db)
}

async function writeRound(
  db: Db,
  stream: {
    readonly firstId: number
    readonly id: number
    readonly name: string
    readonly binding: number
    readonly round: number
  },
): Promise<void> {
  const { firstId, id, name, binding, round } = stream
  const newest = round === 2
  const at = (3 - round) * 9 * dayMicros - binding * 2 * indicators
  await sql`
    insert into publications (id, collection_id, binding, base_label, block_count, live_count)
    select ${firstId}::bigint + n, ${id}, ${binding}, taxiway_micros() - ${at}::bigint + n * 2500, 2500,
      ${newest ? 2500 : 0}
    from generate_series(0, ${publications - 1}::integer) n`.execute(db)
  const held = {
    network: sql`type <> 'sha256'`,
    hashes: sql`type = 'sha256'`,
  }[name]
  await sql`
    insert into blocks (publication_id, ordinal, collection_id, binding, subject_id, package_id, digest,
      superseded_by)
    select ${firstId}::bigint + (id - 1) / 2500, (id - 1) % 2500, ${id}, ${binding}, id, 1, '\\x00',
      ${newest ? sql`null` : sql`${firstId + publications}::bigint + (id - 1) / 2500`}
    from indicators where id % 20 <> 0 and ${held ?? sql`true`}`.execute(db)
}

/** Five accounts that have polled each stream of three collections for 30 days, every two hours. */
async function fillLedger(db: Db): Promise<void> {
  await sql`
    insert into accounts (name, password_hash, role) select 'esa' || n, '', 'reader'
    from generate_series(1, 5) n`.execute(db)
  await sql`
    insert into grants (account_id, collection_id, can_read, can_write)
    select a.id, c.id, true, false from accounts a, collections c
    where c.name in ('network', 'both', 'hashes') and a.name like 'esa%'`.execute(db)
  await sql`
    insert into polls (account_id, collection_id, binding, address, user_agent, counts_only, asked_begin,
      asked_end, begin_label, end_label, as_of, withdrawals_seen, started_at, status, duration_ms, blocks,
      bytes, sent_through, left_through)
    select a.id, c.id, b, '192.0.2.1', 'esa', false, w.begin, null, w.begin, w.ending,
      (select coalesce(max(id), 0) from publications p where p.base_label <= w.ending), 0,
      timestamptz 'epoch' + w.ending * interval '1 microsecond', 'complete', 40, 100, 100000, w.ending,
      w.ending
    from accounts a, collections c, unnest(c.bindings) b,
      (select taxiway_micros() - (n + 1) * 7200000000 as begin, taxiway_micros() - n * 7200000000 as ending
        from generate_series(0, 359) n) as w
    where c.name in ('network', 'both', 'hashes') and a.name like 'esa%'`.execute(db)
}
