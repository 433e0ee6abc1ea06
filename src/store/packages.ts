import { sql } from 'kysely'
import type { Db } from './db.ts'

export interface NewPackage {
  readonly id: number
  /** what all packages of its kind begin with: a kilobyte of namespaces */
  readonly head: string
  readonly tail: string
}

/**
 * Stores rendered packages, each head once: that halves what is written and read. Tells the size of each
 * tail in bytes.
 * @param db a transaction: the heads that it stored are remembered, which would be wrong after a rollback
 */
export function createPackageWriter(db: Db) {
  const heads = new Map<string, Promise<number>>()
  return async (packages: readonly NewPackage[]): Promise<readonly number[]> => {
    if (packages.length === 0) return []
    for (const { head } of packages) if (!heads.has(head)) heads.set(head, getHeadId(db, head))
    const headIds = await Promise.all(packages.map(({ head }) => heads.get(head)))
    return writePackages(db, packages, headIds)
  }
}

async function writePackages(
  db: Db,
  packages: readonly NewPackage[],
  headIds: readonly (number | undefined)[],
): Promise<readonly number[]> {
  // One binary value and where to cut it: PostgreSQL reads that three times as fast as text in JSON.
  let offset = 1
  const offsets: number[] = []
  const lengths = packages.map(({ tail }) => {
    const length = Buffer.byteLength(tail)
    offsets.push(offset)
    offset += length
    return length
  })
  const bytes = Buffer.from(packages.map(({ tail }) => tail).join(''))
  await sql`
    insert into packages (id, head_id, tail)
    select i, h, convert_from(substring(b from o for n), 'UTF8')
    from (select ${bytes}::bytea as b) as bytes,
      unnest(${packages.map(({ id }) => id)}::bigint[],
        ${headIds}::integer[],
        ${offsets}::integer[], ${lengths}::integer[]) as x(i, h, o, n)`.execute(db)
  return lengths
}

/** What turns a stored package back into the rendered one. */
export type ReadHead = (headId: number) => Promise<string>

/** Heads never change, so each is read once. */
export function createHeadReader(db: Db): ReadHead {
  const heads = new Map<number, string>()
  return async (headId) => {
    const known = heads.get(headId)
    if (known !== undefined) return known
    const { head } = await db
      .selectFrom('package_heads')
      .select('head')
      .where('id', '=', headId)
      .executeTakeFirstOrThrow()
    heads.set(headId, head)
    return head
  }
}

async function getHeadId(db: Db, head: string): Promise<number> {
  const find = () =>
    db.selectFrom('package_heads').select('id').where('head', '=', head).executeTakeFirst()
  const found = await find()
  if (found) return found.id
  const { id } = await db
    .insertInto('package_heads')
    .values({ head })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}
