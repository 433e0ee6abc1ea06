import { sql } from 'kysely'
import type { Micros } from '../../src/model/micros.ts'
import type { Db } from '../../src/store/db.ts'
import { start } from '../intake/reports.ts'
import type { Backends } from './scheduler.ts'

/** When every schedule begins. */
export const startMicros: Micros = start.getTime() * 1000

/** Runs a text with parameters `$1…`, on whatever connection is at hand. */
export type Query = (text: string, parameters?: readonly unknown[]) => Promise<readonly unknown[]>

const emptied = [
  'suppressions',
  'assertions',
  'rejections',
  'recalled_indicators',
  'recalls',
  'withdrawals',
  'blocks',
  'chunk_members',
  'chunks',
  'packages',
  'package_heads',
  'publications',
  'result_sets',
  'polls',
  'reports',
  'indicators',
  'sources',
  'collections',
]

const statements = [
  // The database's clock: each reading of it is a tick later, and the test moves it.
  'create table law_clock (moment bigint not null, tick bigint not null)',
  `insert into law_clock values (${startMicros}, 1)`,
  'create sequence law_ticks',
  `create or replace function taxiway_micros() returns bigint language sql volatile as
    $$ select moment + tick * nextval('law_ticks') from law_clock $$`,
  // Emptying small tables by deletion takes a tenth of what truncating them does.
  `create function law_reset(micros bigint, thoroughly boolean) returns void language plpgsql as $$
    begin
      if thoroughly then
        truncate ${emptied.join(', ')} cascade;
      else
        ${emptied.map((table) => `delete from ${table};`).join('\n        ')}
      end if;
      update feed_clock set high_water_mark = 0, swept_until = null;
      update judging set policy = '{}', rules_version = 0, version = 1, judged_version = 0,
        judging_version = 0, judged_through = 0;
      update law_clock set moment = ${startMicros}, tick = micros;
      perform setval(s.seqrelid::regclass, s.seqstart, false)
        from pg_sequence s join pg_class c on c.oid = s.seqrelid where c.relname not like 'accounts%';
    end $$`,
]

/** Makes the database's clock one that the test moves, and accounts for the pollers. */
export async function prepareDatabase(db: Db, accounts: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
  for (const name of accounts) {
    await db
      .insertInto('accounts')
      .values({ name, password_hash: '', role: 'administrator' })
      .execute()
  }
}

export async function resetDatabase(query: Query, tick: number, thoroughly: boolean) {
  await query('select law_reset($1, $2)', [tick, thoroughly])
}

/** Moves the database's clock, back too. */
export async function moveClock(query: Query, micros: number): Promise<void> {
  await query('update law_clock set moment = moment + $1::bigint', [micros])
}

/** The furthest that the database's clock has come, were it but before it stepped back. */
export async function readClock(query: Query): Promise<Micros> {
  const [row] = await query(
    `select greatest(high_water_mark, moment + tick * last_value) as micros
    from law_clock, law_ticks, feed_clock`,
  )
  return (row as { micros: Micros }).micros
}

export function createBackends(query: Query): Backends {
  return {
    findRunning: async (pids) => {
      const rows = await query(
        'select p from unnest($1::int[]) p where cardinality(pg_blocking_pids(p)) = 0',
        [pids],
      )
      return rows.map((row) => (row as { p: number }).p)
    },
    terminate: async (pid) => {
      await query('select pg_terminate_backend($1, 10000)', [pid])
    },
  }
}

/** A block as its publication's commit leaves it. */
export interface PublishedBlock {
  readonly publicationId: number
  readonly collection: string
  readonly binding: number
  readonly label: Micros
  /** what it is about: an indicator's value, or a chunk of a report by its number */
  readonly subject: string
  /** each indicator that it shows: its value, in a chunk after `source/report` */
  readonly shows: readonly string[]
  readonly md5: string
}

export interface Withdrawal {
  /** as of a block */
  readonly subject: string
  /** null: every one */
  readonly collection: string | null
  readonly binding: number
  readonly throughPublication: number
}

/** What a commit may have changed in what is served. */
export interface Facts {
  /** of publications that were not known before, in the order of their labels */
  readonly blocks: readonly PublishedBlock[]
  readonly withdrawals: readonly Withdrawal[]
}

/** Reads what is served straight from the tables, without the store's own notion of it. */
export async function readFacts(query: Query, known: Iterable<number>): Promise<Facts> {
  const rows = await query(
    `select
      (select coalesce(json_agg(x order by x.label), '[]') from (
        select p.id as "publicationId", c.name as collection, p.binding,
          p.base_label + b.ordinal as label, coalesce(i.value, 'chunk ' || b.subject_id) as subject,
          case when b.subject_id > 0 then array[i.value] else array(
            select s.name || '/' || r.external_id || ' ' || x.value from unnest(b.members) as shown
              join indicators x on x.id = shown, chunks u join reports r on r.id = u.report_id
              join sources s on s.id = r.source_id
            where u.id = b.subject_id) end as shows,
          md5(h.head || k.tail) as md5
        from publications p join collections c on c.id = p.collection_id
          join blocks b on b.publication_id = p.id
          left join indicators i on i.id = b.subject_id
          join packages k on k.id = b.package_id join package_heads h on h.id = k.head_id
        where p.id <> all($1::bigint[])) as x)::text as blocks,
      (select coalesce(json_agg(x order by x.subject, x.collection, x.binding), '[]') from (
        select coalesce(i.value, 'chunk ' || w.subject_id) as subject, c.name as collection, w.binding,
          w.through_publication as "throughPublication"
        from withdrawals w left join indicators i on i.id = w.subject_id
          left join collections c on c.id = w.collection_id) as x)::text as withdrawals`,
    [[...known]],
  )
  const { blocks, withdrawals } = rows[0] as { blocks: string; withdrawals: string }
  return { blocks: JSON.parse(blocks), withdrawals: JSON.parse(withdrawals) }
}
