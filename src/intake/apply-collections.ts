import { isDeepStrictEqual } from 'node:util'
import type { Collection, CollectionSettings } from '../model/collection.ts'
import { readCollections, writeCollection } from '../store/collections.ts'
import type { Db } from '../store/db.ts'

export interface CollectionChange {
  readonly name: string
  readonly kind: 'new' | 'changed' | 'unchanged' | 'not in the file'
  /** of a changed one: each setting that differs */
  readonly settings: readonly {
    readonly setting: string
    readonly from: unknown
    readonly to: unknown
  }[]
}

/** What giving the store these collections would change. Those that it does not name stay as they are. */
export function compareCollections(
  stored: readonly Collection[],
  wanted: readonly CollectionSettings[],
): readonly CollectionChange[] {
  const changes = wanted.map((settings): CollectionChange => {
    const { name } = settings
    const old = stored.find((collection) => collection.name === name)
    if (!old) return { name, kind: 'new', settings: [] }
    const differing = settingNames
      .filter((setting) => !isDeepStrictEqual(old[setting], settings[setting]))
      .map((setting) => ({ setting, from: old[setting], to: settings[setting] }))
    return { name, kind: differing.length > 0 ? 'changed' : 'unchanged', settings: differing }
  })
  const named = new Set(wanted.map(({ name }) => name))
  const others = stored
    .filter(({ name }) => !named.has(name))
    .map(({ name }): CollectionChange => ({ name, kind: 'not in the file', settings: [] }))
  return [...changes, ...others]
}

/** Stores the collections, all or none; `reconcileCollections` makes the feeds follow. */
export async function applyCollections(
  db: Db,
  wanted: readonly CollectionSettings[],
): Promise<readonly CollectionChange[]> {
  return db.transaction().execute(async (trx) => {
    const changes = compareCollections(await readCollections(trx), wanted)
    for (const settings of wanted) {
      const change = changes.find(({ name }) => name === settings.name)
      if (change?.kind !== 'unchanged') await writeCollection(trx, settings)
    }
    return changes
  })
}

const settingNames = [
  'description',
  'type',
  'rule',
  'inbox',
  'maxTlp',
  'nonPublic',
  'bindings',
  'profile',
  'packaging',
  'cidr',
  'pageSize',
  'refreshDays',
] as const satisfies readonly (keyof CollectionSettings)[]
