import { type Kysely, sql } from 'kysely'

const advisoryClass = 0x7461_7869

const statements = [
  // null: never published again by itself
  'alter table collections add column refresh_days integer default 20 check (refresh_days > 0)',
  // When it was last looked for blocks that are due, on the database's clock.
  'alter table collections add column refreshed_at bigint not null default 0',

  // The newest publication that superseded a block of this one: polls fixed before it still read that block.
  'alter table publications add column last_superseded_by bigint',
  `update publications p set last_superseded_by = x.latest
    from (select publication_id, max(superseded_by) as latest from blocks
      where superseded_by is not null group by publication_id) as x
    where p.id = x.publication_id`,

  // All of an indicator's blocks, not the live ones alone: who may still hold it is asked of the old ones
  // too. Those that are live have null, of which there can be one a stream.
  'drop index blocks_live',
  `create unique index blocks_indicator on blocks (indicator_id, superseded_by, collection_id, binding)
    nulls not distinct`,

  // An indicator's blocks up to and with a publication are served no more, in one stream or, where
  // collection and binding are 0, in all. Later publications of it are. One row however many blocks.
  // number: taken behind the intake lock from the sequence of publications, so that of both together,
  // whoever sees one sees all with a smaller number.
  // withdrawn_at is the database's clock, some time before the commit.
  'alter table withdrawals rename to withdrawn_blocks',
  'alter table withdrawn_blocks rename constraint withdrawals_pkey to withdrawn_blocks_pkey',
  `create table withdrawals (
    indicator_id bigint not null,
    collection_id integer not null,
    binding smallint not null,
    through_publication bigint not null,
    withdrawn_at timestamptz not null,
    number bigint not null default nextval('publications_id_seq'),
    primary key (indicator_id, collection_id, binding)
  )`,
  `insert into withdrawals
    select b.indicator_id, b.collection_id, b.binding, max(b.publication_id), max(w.withdrawn_at)
    from withdrawn_blocks w join blocks b using (publication_id, ordinal)
    group by 1, 2, 3`,
  'drop table withdrawn_blocks',
  'create index withdrawals_number on withdrawals (number)',
  `create function taxiway_last_withdrawal() returns bigint language sql volatile as
    $$ select coalesce((select max(number) from withdrawals), 0) $$`,

  `create function taxiway_newest_publication() returns bigint language sql volatile as
    $$ select coalesce((select max(id) from publications), 0) $$`,
  // What an operator took out everywhere, until it is undone: a source, a report, or the indicators in
  // recalled_indicators. Not settled: what other assertions still permit is yet to be published again.
  // through_publication: the newest one then; later ones show what was not recalled.
  `create table recalls (
    id bigint generated always as identity primary key,
    source_id integer references sources,
    report_id bigint references reports,
    reason text not null,
    recalled_by text not null,
    recalled_at timestamptz not null,
    undone_by text,
    undone_at timestamptz,
    settled boolean not null default false,
    through_publication bigint not null default taxiway_newest_publication(),
    check (source_id is null or report_id is null)
  )`,
  'create index recalls_source on recalls (source_id) where source_id is not null',
  'create index recalls_report on recalls (report_id) where report_id is not null',
  // Without a foreign key: a list may be of hundreds of thousands.
  `create table recalled_indicators (
    indicator_id bigint not null,
    recall_id bigint not null,
    primary key (indicator_id, recall_id)
  )`,

  'alter table accounts add column client_age_out_days integer not null default 30 check (client_age_out_days > 0)',

  // The ledger of polls. asked_…: by the client; begin_label and end_label: what was considered, of a
  // result set's first part the whole set's; answered_end: where the answer said it ended, if elsewhere.
  // withdrawals_seen: the last withdrawal that it knew of. Of what was sent, sent_through is the last label
  // that the operating system took whole, left_through the last of which it may have taken a byte.
  `create table polls (
    id bigint generated always as identity primary key,
    account_id integer not null,
    collection_id integer not null,
    binding smallint not null,
    address text not null,
    user_agent text not null,
    counts_only boolean not null,
    asked_begin bigint,
    asked_end bigint,
    begin_label bigint,
    end_label bigint not null,
    answered_end bigint,
    as_of bigint not null,
    withdrawals_seen bigint not null default taxiway_last_withdrawal(),
    result_id text,
    result_part integer,
    started_at timestamptz not null default clock_timestamp(),
    status text not null default 'under way',
    duration_ms integer,
    blocks integer,
    bytes bigint,
    sent_through bigint,
    left_through bigint
  )`,
  'create index polls_started on polls (started_at)',
  'create index polls_end on polls (collection_id, end_label)',
  'create index polls_account_end on polls (account_id, collection_id, binding, end_label)',
  `create index polls_clamped on polls (account_id, collection_id, binding, asked_end)
    where asked_end > end_label`,

  // Blocks superseded by a publication later than as_of belong to the set.
  'alter table result_sets add column as_of bigint',
  'update result_sets set as_of = coalesce((select max(id) from publications), 0)',
  'alter table result_sets alter column as_of set not null',
  // Whether the poll was answered from an earlier begin than it asked for, which its first part says.
  'alter table result_sets add column begin_moved boolean not null default false',

  `create function taxiway_last_publication(collection integer) returns bigint language sql volatile as
    $$ select coalesce((select id from publications where collection_id = collection
       order by base_label desc limit 1), 0) $$`,

  // Whatever has been promised: labels that were given and ends that were answered stay behind what is
  // given next, also when the clock has stepped back. Call it behind the collection's lock.
  `create function taxiway_settled(collection integer) returns bigint language sql volatile as
    $$ select greatest(taxiway_micros(), taxiway_last_label(collection),
       (select high_water_mark from feed_clock),
       (select max(end_label) from polls where collection_id = collection)) $$`,

  `create or replace function taxiway_next_base(collection integer) returns bigint
    language plpgsql volatile as $$
    begin
      perform pg_advisory_xact_lock(${advisoryClass}, collection);
      return taxiway_settled(collection) + 1;
    end $$`,

  // Gives publications their labels, in the order given: all of a collection's together, and collections
  // in the order of their ids. One statement, so that between the lock and the commit nothing is asked.
  `create function taxiway_publish(
      ids bigint[], collections integer[], streams smallint[], counts integer[]) returns bigint[]
    language plpgsql volatile as $$
    declare
      base bigint;
      bases bigint[] := '{}';
    begin
      for n in 1 .. cardinality(ids) loop
        if n = 1 or collections[n] <> collections[n - 1] then
          base := taxiway_next_base(collections[n]);
        end if;
        insert into publications (id, collection_id, binding, base_label, block_count, live_count)
          values (ids[n], collections[n], streams[n], base, counts[n], counts[n]);
        bases := bases || base;
        base := base + counts[n];
      end loop;
      return bases;
    end $$`,

  'drop function taxiway_safe_label',
  `create function taxiway_safe(collection integer, out safe bigint, out as_of bigint)
    language plpgsql volatile as $$
    begin
      perform pg_advisory_xact_lock_shared(${advisoryClass}, collection);
      safe := taxiway_settled(collection);
      as_of := taxiway_last_publication(collection);
    end $$`,

  // Fixes a poll's range and enters it in the ledger, so that no label can be given inside it any more.
  // One statement: a process that is frozen or killed never holds the lock.
  `create function taxiway_fix_range(
      account integer, collection integer, stream smallint, wanted_begin bigint, wanted_end bigint,
      only_counts boolean, client_address text, client_agent text,
      out poll_id bigint, out fixed_begin bigint, out fixed_end bigint, out fixed_as_of bigint)
    language plpgsql volatile as $$
    declare
      safe bigint;
      noted bigint;
    begin
      perform pg_advisory_xact_lock_shared(${advisoryClass}, collection);
      safe := taxiway_settled(collection);
      fixed_as_of := taxiway_last_publication(collection);
      fixed_end := least(wanted_end, safe);
      if wanted_begin is not null then
        -- What asks from the same begin is taken for attempts at one window. Which of them its client
        -- received nobody knows: one that had been given up may be answered last. So the least counts, and
        -- of the windows the last; a count, and the attempts at the window that is asked for now, tell nothing.
        -- A client goes on from the end that it asked for, which lay ahead: it was answered up to end_label.
        select min(p.end_label) into noted from polls p
          where p.account_id = account and p.collection_id = collection and p.binding = stream
            and p.asked_end = wanted_begin and p.asked_end > p.end_label
          group by p.asked_begin, p.status = 'broken off', p.counts_only
          order by p.status = 'broken off', p.counts_only, min(p.end_label) desc limit 1;
        if noted is null then
          -- From somewhere short of it, such as that end without its fraction of a second.
          select min(p.end_label) into noted from polls p
            where p.account_id = account and p.collection_id = collection and p.binding = stream
              and p.asked_end > wanted_begin and p.end_label < wanted_begin
              and p.asked_end > p.end_label -- follows from the two, and leads to the index
              and p.asked_begin is distinct from wanted_begin
              and p.status <> 'broken off' and not p.counts_only
            group by p.asked_begin order by 1 desc limit 1;
        end if;
        if noted is null and wanted_begin > safe then
          -- From a clock of its own that is ahead of ours. Parts that were fetched by themselves asked for
          -- no begin and have one.
          select min(latest.end_label) into noted from (
            select p.asked_begin, p.end_label from polls p
            where p.account_id = account and p.collection_id = collection and p.binding = stream
              and p.asked_begin is distinct from wanted_begin
              and (p.asked_begin is not null or p.begin_label is null)
              and p.status <> 'broken off' and not p.counts_only
            order by p.end_label desc limit 100) as latest
            group by latest.asked_begin order by 1 desc limit 1;
        end if;
        -- Not one that goes on from an answered end, which may lie ahead of an older note. An attempt at
        -- the window that is asked for now may happen to have been answered up to its own begin.
        if noted is not null and exists (
          select from polls p
          where p.account_id = account and p.collection_id = collection and p.binding = stream
            and p.end_label >= wanted_begin and p.asked_begin is distinct from wanted_begin
            and (p.end_label = wanted_begin or p.answered_end = wanted_begin)) then
          noted := null;
        end if;
        fixed_begin := coalesce(noted, least(wanted_begin, safe));
      end if;
      insert into polls (account_id, collection_id, binding, address, user_agent, counts_only,
          asked_begin, asked_end, begin_label, end_label, as_of)
        values (account, collection, stream, client_address, client_agent, only_counts,
          wanted_begin, wanted_end, fixed_begin, fixed_end, fixed_as_of)
        returning id into poll_id;
    end $$`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
