import { type Kysely, sql } from 'kysely'

const statements = [
  // How the source is, for people: see SourceState in store/sources.ts.
  `alter table sources add column state jsonb not null default '{}'`,

  // Why the source has it no more, such as 'deleted'; null while it has.
  'alter table reports add column gone text',
  // Where the reading of a report that comes in pages goes on; null: it is whole, or is to come anew.
  'alter table reports add column reading jsonb',
  'create index reports_reading on reports (source_id) where reading is not null',
  'create index reports_author on reports (source_id, author)',

  // Whether assertions of reports that are not for the public may be shown.
  'alter table collections add column non_public boolean not null default false',

  // What the source said, of which `confidence` is what the policy and the warninglists make.
  'alter table assertions add column asserted_confidence smallint',
  'update assertions set asserted_confidence = confidence',
  'alter table assertions alter column asserted_confidence set not null',
  // valid_until where the source gave one, or else when it will have aged; null: never.
  'alter table assertions add column ends_at timestamptz',
  'update assertions set ends_at = valid_until',
  // Whether the source itself has accepted that it is a false positive.
  'alter table assertions add column refuted boolean not null default false',
  // What was found and keeps nothing out: a list of {rule, detail}; null: nothing.
  'alter table assertions add column remarks jsonb',

  // counts: false where each collection decides for itself. override_id: of whoever lifted it.
  'alter table suppressions add column counts boolean not null default true',
  'alter table suppressions add column override_id bigint',
  'alter table suppressions drop constraint suppressions_pkey',
  'alter table suppressions add primary key (assertion_id, reason, rule)',
  `update suppressions set counts = false where reason = 'not-public'`,
  `update assertions a set suppressed = false
    where suppressed and not exists (
      select from suppressions x where x.assertion_id = a.id and x.counts)`,

  // A suppression that an analyst lifted from an indicator, whoever asserts it, for a time.
  // lapsed: that it is over has been worked into the verdicts.
  `create table overrides (
    id bigint generated always as identity primary key,
    indicator_id bigint not null,
    reason text not null,
    rule text,
    because text not null,
    made_by text not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    ended_by text,
    ended_at timestamptz,
    lapsed boolean not null default false
  )`,
  'create index overrides_indicator on overrides (indicator_id)',
  'create index overrides_expires_at on overrides (expires_at) where not lapsed',

  // effect: 'block', 'lower' or 'inform'. origin: 'starter', 'folder' or 'added'. types: observable
  // types it speaks of. entries: as in its file, one a line.
  `create table warninglists (
    id integer generated always as identity primary key,
    name text not null unique,
    title text not null,
    description text not null,
    list_version bigint not null,
    kind text not null,
    effect text not null,
    effect_set_by_operator boolean not null default false,
    enabled boolean not null default true,
    origin text not null,
    types text[] not null,
    entries text not null,
    entry_count integer not null,
    digest text not null,
    changed_at timestamptz not null
  )`,

  // version: raised by every change of the policy, of a warninglist or of the code's rules; verdicts of
  // all indicators follow judged_version, and those of ids up to judged_through judging_version already.
  `create table judging (
    singleton boolean primary key default true check (singleton),
    policy jsonb not null default '{}',
    rules_version integer not null default 0,
    version integer not null default 1,
    judged_version integer not null default 0,
    judging_version integer not null default 0,
    judged_through bigint not null default 0
  )`,
  'insert into judging default values',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
