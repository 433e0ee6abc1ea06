import type { Db } from './db.ts'
import { raiseJudgingVersion } from './judging.ts'

/** Where a list comes from: shipped with Taxiway, from the folder of the settings, or added by hand. */
export const warninglistOrigins = ['starter', 'folder', 'added'] as const
export type WarninglistOrigin = (typeof warninglistOrigins)[number]

/** A list without its entries. */
export interface StoredWarninglist {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly version: number
  readonly kind: string
  readonly effect: string
  readonly effectSetByOperator: boolean
  readonly enabled: boolean
  readonly origin: WarninglistOrigin
  readonly types: readonly string[]
  readonly entries: number
  readonly digest: string
  readonly changedAt: Date
}

export interface NewWarninglist {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly version: number
  readonly kind: string
  readonly effect: string
  readonly types: readonly string[]
  /** none of them with a line break */
  readonly entries: readonly string[]
  readonly digest: string
}

export type WarninglistChange = 'new' | 'changed' | 'unchanged'

/** Lists that are enabled, as curation reads them, by name. */
export async function readEnabledWarninglists(db: Db) {
  const rows = await db
    .selectFrom('warninglists')
    .select(['name', 'title', 'kind', 'effect', 'types', 'entries', 'digest'])
    .where('enabled', '=', true)
    .orderBy('name')
    .execute()
  return rows.map((row) => ({ ...row, entries: splitEntries(row.entries) }))
}

/** All lists, by name. */
export async function readWarninglists(db: Db): Promise<readonly StoredWarninglist[]> {
  const rows = await selectLists(db).orderBy('name').execute()
  return rows.map(toList)
}

export async function findWarninglist(
  db: Db,
  name: string,
): Promise<StoredWarninglist | undefined> {
  const row = await selectLists(db).where('name', '=', name).executeTakeFirst()
  return row && toList(row)
}

export async function readWarninglistEntries(db: Db, name: string): Promise<readonly string[]> {
  const row = await db
    .selectFrom('warninglists')
    .select('entries')
    .where('name', '=', name)
    .executeTakeFirst()
  return splitEntries(row?.entries ?? '')
}

/** How many assertions the list is a reason against, lifted ones too. */
export async function countKeptOut(db: Db, name: string): Promise<number> {
  const row = await db
    .selectFrom('suppressions')
    .select((counted) => counted.fn.countAll().as('count'))
    .where('reason', '=', 'warninglist')
    .where('rule', '=', `warninglist:${name}`)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/**
 * Stores a list, or brings it up to date. What an operator has decided of it (its effect, whether it is
 * enabled) stays, unless `effectSetByOperator` says that this is such a decision. Verdicts are judged anew
 * only if what they depend on is another now.
 */
export async function writeWarninglist(
  db: Db,
  list: NewWarninglist,
  origin: WarninglistOrigin,
  now: Date,
  { effectSetByOperator = false } = {},
): Promise<WarninglistChange> {
  const old = await findWarninglist(db, list.name)
  const keepEffect = old?.effectSetByOperator === true && !effectSetByOperator
  const effect = keepEffect ? old.effect : list.effect
  const byOperator = effectSetByOperator || keepEffect
  const { name, title, description, version, kind, digest } = list
  const columns = {
    title,
    description,
    list_version: version,
    kind,
    effect,
    effect_set_by_operator: byOperator,
    origin,
    types: [...list.types],
    entry_count: list.entries.length,
    digest,
  }
  if (!old) {
    await db
      .insertInto('warninglists')
      .values({ name, ...columns, entries: list.entries.join('\n'), changed_at: now })
      .execute()
    await raiseJudgingVersion(db)
    return 'new'
  }
  const judges = old.digest !== digest || old.title !== title || old.effect !== effect
  const tells =
    judges ||
    old.description !== description ||
    old.version !== version ||
    old.origin !== origin ||
    old.effectSetByOperator !== byOperator
  if (!tells) return 'unchanged'
  const entries = old.digest === digest ? {} : { entries: list.entries.join('\n') }
  await db
    .updateTable('warninglists')
    .set({ ...columns, ...entries, ...(judges ? { changed_at: now } : {}) })
    .where('name', '=', name)
    .execute()
  if (judges && old.enabled) await raiseJudgingVersion(db)
  return judges ? 'changed' : 'unchanged'
}

/** @returns whether it was there */
export async function removeWarninglist(db: Db, name: string): Promise<boolean> {
  const old = await findWarninglist(db, name)
  if (!old) return false
  await db.deleteFrom('warninglists').where('name', '=', name).execute()
  if (old.enabled && old.entries > 0) await raiseJudgingVersion(db)
  return true
}

/** @returns whether it was otherwise; undefined: there is no such list */
export async function setWarninglistEnabled(
  db: Db,
  name: string,
  enabled: boolean,
  now: Date,
): Promise<boolean | undefined> {
  const old = await findWarninglist(db, name)
  if (!old) return undefined
  if (old.enabled === enabled) return false
  const change = { enabled, changed_at: now }
  await db.updateTable('warninglists').set(change).where('name', '=', name).execute()
  await raiseJudgingVersion(db)
  return true
}

/** Decides what a list does, whatever its file says from now on. The result is as above. */
export async function setWarninglistEffect(
  db: Db,
  name: string,
  effect: string,
  now: Date,
): Promise<boolean | undefined> {
  const old = await findWarninglist(db, name)
  if (!old) return undefined
  const changes = old.effect !== effect
  const change = { effect, effect_set_by_operator: true, ...(changes ? { changed_at: now } : {}) }
  await db.updateTable('warninglists').set(change).where('name', '=', name).execute()
  if (changes && old.enabled) await raiseJudgingVersion(db)
  return changes
}

function selectLists(db: Db) {
  return db
    .selectFrom('warninglists')
    .select([
      'name',
      'title',
      'description',
      'list_version',
      'kind',
      'effect',
      'effect_set_by_operator',
      'enabled',
      'origin',
      'types',
      'entry_count',
      'digest',
      'changed_at',
    ])
}

function toList(
  row: Awaited<ReturnType<ReturnType<typeof selectLists>['execute']>>[number],
): StoredWarninglist {
  return {
    name: row.name,
    title: row.title,
    description: row.description,
    version: row.list_version,
    kind: row.kind,
    effect: row.effect,
    effectSetByOperator: row.effect_set_by_operator,
    enabled: row.enabled,
    origin: row.origin as WarninglistOrigin,
    types: row.types,
    entries: row.entry_count,
    digest: row.digest,
    changedAt: row.changed_at,
  }
}

function splitEntries(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n')
}
