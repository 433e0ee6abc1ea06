import { type Selectable, sql } from 'kysely'
import {
  type CidrForm,
  type Collection,
  type CollectionSettings,
  type CollectionType,
  type ContentBinding,
  contentBindings,
  type Packaging,
  type Profile,
  type Rule,
} from '../model/collection.ts'
import { type Tlp, tlpLevels, tlpRank } from '../model/tlp.ts'
import type { Db } from './db.ts'
import type { Tables } from './tables.ts'

// Stored in every block: never renumber.
const bindingNumbers: Record<ContentBinding, number> = {
  'urn:stix.mitre.org:xml:1.2': 1,
  'urn:stix.mitre.org:xml:1.1.1': 2,
}

export function bindingNumber(binding: ContentBinding): number {
  return bindingNumbers[binding]
}

export function bindingOf(number: number): ContentBinding {
  const binding = contentBindings.find((one) => bindingNumbers[one] === number)
  if (!binding) throw new Error(`the store names content binding ${number}, which is not known`)
  return binding
}

/** A collection with whether what it publishes follows its settings yet. */
export interface StoredCollection extends Collection {
  readonly settingsVersion: number
  readonly reconciledVersion: number
}

/** Whether what the collection publishes does not follow its settings yet. */
export function isBehind({ reconciledVersion, settingsVersion }: StoredCollection): boolean {
  return reconciledVersion < settingsVersion
}

/** All collections, by id. */
export async function readCollections(db: Db): Promise<readonly StoredCollection[]> {
  const rows = await db.selectFrom('collections').selectAll().orderBy('id').execute()
  return rows.map(toCollection)
}

export async function findCollection(db: Db, name: string): Promise<StoredCollection | undefined> {
  const row = await db
    .selectFrom('collections')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst()
  return row && toCollection(row)
}

export function toCollection(row: Selectable<Tables['collections']>): StoredCollection {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    type: row.type as CollectionType,
    rule: row.rule as Rule,
    inbox: row.inbox,
    maxTlp: tlpLevels[row.max_tlp] as Tlp,
    bindings: row.bindings.map(bindingOf),
    profile: row.profile as Profile,
    packaging: row.packaging as Packaging,
    cidr: row.cidr as CidrForm,
    pageSize: row.page_size ?? undefined,
    refreshDays: row.refresh_days ?? undefined,
    nonPublic: row.non_public,
    settingsVersion: row.settings_version,
    reconciledVersion: row.reconciled_version,
  }
}

/**
 * Makes the collection or gives it these settings; what it publishes follows by reconciliation.
 * @returns whether it was made
 */
export async function writeCollection(db: Db, settings: CollectionSettings): Promise<boolean> {
  const columns = toColumns(settings)
  const { made } = await db
    .insertInto('collections')
    .values({ name: settings.name, ...columns })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ ...columns, settings_version: sql`collections.settings_version + 1` }),
    )
    // A row that was there before has been locked by whoever updated it.
    .returning(sql<boolean>`xmax = 0`.as('made'))
    .executeTakeFirstOrThrow()
  return made
}

/**
 * Makes the collection; one of its name is left as it is.
 * @param reconciled true where nothing that is stored can belong to it, so that nothing is looked through
 */
export async function insertCollection(
  db: Db,
  settings: CollectionSettings,
  { reconciled }: { readonly reconciled: boolean },
): Promise<void> {
  await db
    .insertInto('collections')
    .values({ name: settings.name, ...toColumns(settings), reconciled_version: reconciled ? 1 : 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
}

/** Those of these names that a collection has. */
export async function findCollectionNames(
  db: Db,
  names: readonly string[],
): Promise<readonly string[]> {
  if (names.length === 0) return []
  const { rows } = await sql<{ name: string }>`
    select name from collections where name = any(${names}::text[])`.execute(db)
  return rows.map(({ name }) => name)
}

/** How many collections are called like those of authors, whoever made them. */
export async function countAuthorCollections(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from collections where starts_with(name, 'user_')`.execute(db)
  return rows[0]?.count ?? 0
}

function toColumns(settings: CollectionSettings) {
  return {
    description: settings.description,
    rule: sql<string>`${JSON.stringify(settings.rule)}::jsonb`,
    max_tlp: tlpRank(settings.maxTlp),
    bindings: settings.bindings.map(bindingNumber),
    profile: settings.profile,
    packaging: settings.packaging,
    cidr: settings.cidr,
    page_size: settings.pageSize ?? null,
    refresh_days: settings.refreshDays ?? null,
    non_public: settings.nonPublic,
    type: settings.type,
    inbox: settings.inbox,
  }
}

/**
 * Notes that what the collection publishes follows the settings of this version. Of several who made it follow,
 * one that began with an older version may end last: what is noted stays.
 */
export async function markReconciled(db: Db, collectionId: number, version: number): Promise<void> {
  await db
    .updateTable('collections')
    .set({ reconciled_version: sql`greatest(reconciled_version, ${version}::integer)` })
    .where('id', '=', collectionId)
    .execute()
}
