import { type Kysely, sql } from 'kysely'

const statements = [
  // Of work that one process at a time does. A row stays for ever, so that its token never comes again.
  // holder: null while nobody has it.
  `create table leases (
    name text primary key,
    holder text,
    token bigint not null,
    expires_at timestamptz not null
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
