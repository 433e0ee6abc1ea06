import { type Kysely, sql } from 'kysely'

const statements = [
  // How a block of addresses is spelled: model/collection.ts, CidrForm.
  `alter table collections add column cidr text not null default 'omit'`,

  // How often the source says that it was seen; null: it does not say.
  'alter table assertions add column sightings integer check (sightings > 0)',

  // A chunk of a report: up to 100 of its indicators, that collections of packaging 'report' publish as
  // one package. Its id is negative, so that one column holds what a block is about, be it an indicator's id
  // or a chunk's. Without foreign keys, like all that an intake writes by the hundred thousand.
  `create table chunks (
    id bigint generated always as identity (start with -1 increment by -1) primary key,
    report_id bigint not null,
    number integer not null,
    unique (report_id, number)
  )`,
  // An indicator of a report stays in the chunk that it came into, whatever the report says later.
  `create table chunk_members (
    report_id bigint not null,
    indicator_id bigint not null,
    chunk_id bigint not null,
    primary key (report_id, indicator_id)
  )`,
  'create index chunk_members_indicator on chunk_members (indicator_id)',
  'create index chunk_members_chunk on chunk_members (chunk_id)',
  'alter table blocks rename column indicator_id to subject_id',
  'alter index blocks_indicator rename to blocks_subject',
  'alter table withdrawals rename column indicator_id to subject_id',
  // The indicators that a chunk's block shows, of which there may be fewer than its chunk has members.
  'alter table blocks add column members bigint[]',

  // Of the largest package among its blocks, without its head: what a poll reads at once is bounded by it.
  // null: not known, as of those that are older than this column, which hold single indicators.
  'alter table publications add column largest_bytes integer',
  // Packages of reports are kept compressed, which lz4 does in a fraction of the time; a server that was
  // built without it says so.
  `do $$ begin
    alter table packages alter column tail set compression lz4;
  exception when feature_not_supported then null; end $$`,
  'drop function taxiway_publish(bigint[], integer[], smallint[], integer[])',
  `create function taxiway_publish(ids bigint[], collections integer[], streams smallint[],
      counts integer[], largest integer[]) returns bigint[]
    language plpgsql volatile as $$
    declare
      base bigint;
      bases bigint[] := '{}';
    begin
      for n in 1 .. cardinality(ids) loop
        if n = 1 or collections[n] <> collections[n - 1] then
          base := taxiway_next_base(collections[n]);
        end if;
        insert into publications (id, collection_id, binding, base_label, block_count, live_count,
            largest_bytes)
          values (ids[n], collections[n], streams[n], base, counts[n], counts[n], largest[n]);
        bases := bases || base;
        base := base + counts[n];
      end loop;
      return bases;
    end $$`,

  // The profile says more than it did: its blocks are to follow.
  `update collections set settings_version = settings_version + 1 where profile = 'full'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
