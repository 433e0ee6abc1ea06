import { type Kysely, sql } from 'kysely'

const statements = [
  // Several polls of one collection, each as taxiway_fix_range does it, behind one lock. last_label: of the
  // collection's last block, read behind the lock, in a statement that sees what was published while the lock was
  // waited for: a poll that begins at it, or later, has nothing to read.
  `create function taxiway_fix_ranges(collection integer, asked json)
    returns table (poll_id bigint, fixed_begin bigint, fixed_end bigint, fixed_as_of bigint, last_label bigint)
    language plpgsql volatile as $$
    declare
      poll record;
    begin
      for poll in
        select * from json_to_recordset(asked) as x(account integer, stream smallint, wanted_begin bigint,
          wanted_end bigint, only_counts boolean, client_address text, client_agent text)
      loop
        select f.poll_id, f.fixed_begin, f.fixed_end, f.fixed_as_of
          into poll_id, fixed_begin, fixed_end, fixed_as_of
          from taxiway_fix_range(poll.account, collection, poll.stream, poll.wanted_begin, poll.wanted_end,
            poll.only_counts, poll.client_address, poll.client_agent) f;
        last_label := coalesce(last_label, taxiway_last_label(collection), 0);
        return next;
      end loop;
    end $$`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
