import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** How far the verdicts that are stored follow the rules. */
export interface JudgingState {
  /** as it was applied; `{}` at the start */
  readonly policy: unknown
  /** raised by each change of what verdicts depend on */
  readonly version: number
  /** of the newest code that has judged here */
  readonly rulesVersion: number
  /** the version that all verdicts follow */
  readonly judgedVersion: number
  /** the version that those of the indicators up to `judgedThrough` follow already */
  readonly judgingVersion: number
  readonly judgedThrough: number
}

export async function readJudgingState(db: Db): Promise<JudgingState> {
  const row = await db.selectFrom('judging').selectAll().executeTakeFirstOrThrow()
  return {
    policy: row.policy,
    version: row.version,
    rulesVersion: row.rules_version,
    judgedVersion: row.judged_version,
    judgingVersion: row.judging_version,
    judgedThrough: row.judged_through,
  }
}

export async function readJudgingVersion(db: Db): Promise<number> {
  const row = await db.selectFrom('judging').select('version').executeTakeFirstOrThrow()
  return row.version
}

/** Notes that verdicts depend on something else now; to be called in the transaction that changes it. */
export async function raiseJudgingVersion(db: Db): Promise<void> {
  await sql`update judging set version = version + 1`.execute(db)
}

/** Notes which rules the code has; newer ones than those that judged so far raise the version. */
export async function adoptRules(db: Db, rulesVersion: number): Promise<void> {
  await sql`
    update judging set rules_version = ${rulesVersion}::integer, version = version + 1
    where rules_version < ${rulesVersion}::integer`.execute(db)
}

/**
 * Stores the policy, whole; `rejudge` makes verdicts and feeds follow.
 * @returns whether it differs from the one before; the same again changes nothing
 */
export async function writePolicy(db: Db, policy: object): Promise<boolean> {
  const { rows } = await sql<{ policy: unknown }>`select policy from judging for update`.execute(db)
  if (isDeepStrictEqual(rows[0]?.policy, policy)) return false
  await sql`
    update judging set policy = ${JSON.stringify(policy)}::jsonb, version = version + 1`.execute(db)
  return true
}

/** Notes that the verdicts of indicators up to this one follow a version; undefined: those of all do. */
export async function saveJudged(
  db: Db,
  version: number,
  throughIndicator: number | undefined,
): Promise<void> {
  await (throughIndicator === undefined
    ? sql`update judging set judged_version = ${version}::integer, judging_version = 0, judged_through = 0`
    : sql`
        update judging set judging_version = ${version}::integer,
          judged_through = ${throughIndicator}::bigint`
  ).execute(db)
}

/** Of these authors of a source those whom no report in the store is by. */
export async function findUnheardAuthors(
  db: Db,
  source: string,
  authors: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ author: string }>`
    select author from unnest(${authors}::text[]) as x(author)
    where not exists (
      select from reports r join sources s on s.id = r.source_id
      where s.name = ${source} and r.author = x.author)
    order by author`.execute(db)
  return rows.map((row) => row.author)
}
