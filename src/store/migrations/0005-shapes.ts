import { type Kysely, sql } from 'kysely'

const statements = [
  // How a block of addresses is spelled: model/collection.ts, CidrForm.
  `alter table collections add column cidr text not null default 'omit'`,

  // How often the source says that it was seen; null: it does not say.
  'alter table assertions add column sightings integer check (sightings > 0)',

  // The profile says more than it did: its blocks are to follow.
  `update collections set settings_version = settings_version + 1 where profile = 'full'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
