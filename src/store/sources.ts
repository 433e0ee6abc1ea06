import { sql } from 'kysely'
import type { Db } from './db.ts'

/** The source's id, made at its first use. */
export async function getSourceId(db: Db, name: string): Promise<number> {
  const found = await findSourceId(db, name)
  if (found !== undefined) return found
  await db
    .insertInto('sources')
    .values({ name, cursor: '{}' })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const made = await findSourceId(db, name)
  if (made === undefined) throw new Error(`source ${name} vanished while it was made`)
  return made
}

export async function findSourceId(db: Db, name: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('sources')
    .select('id')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.id
}

export async function getSourceName(db: Db, sourceId: number): Promise<string> {
  const row = await db
    .selectFrom('sources')
    .select('name')
    .where('id', '=', sourceId)
    .executeTakeFirstOrThrow()
  return row.name
}

/** Where the source's walk stands, as it was last saved; `{}` at the start. */
export async function readCursor(db: Db, sourceId: number): Promise<unknown> {
  const row = await db
    .selectFrom('sources')
    .select('cursor')
    .where('id', '=', sourceId)
    .executeTakeFirstOrThrow()
  return row.cursor
}

/** Pass the transaction that also stores what the cursor has passed, so that neither is kept alone. */
export async function saveCursor(db: Db, sourceId: number, cursor: unknown): Promise<void> {
  await db
    .updateTable('sources')
    .set({ cursor: sql`${JSON.stringify(cursor)}::jsonb` })
    .where('id', '=', sourceId)
    .execute()
}

/** Those of these authors of whom there are reports. */
export async function findAuthors(
  db: Db,
  source: string,
  authors: readonly string[],
): Promise<ReadonlySet<string>> {
  if (authors.length === 0) return new Set()
  const { rows } = await sql<{ author: string }>`
    select a as author from unnest(${authors}::text[]) as a
    where exists (select from reports r join sources s on s.id = r.source_id
      where s.name = ${source} and r.author = a)`.execute(db)
  return new Set(rows.map(({ author }) => author))
}
