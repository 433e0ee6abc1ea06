import type { Caller } from '../model/account.ts'
import type { CollectionSettings } from '../model/collection.ts'
import { countLiveBlocks, type ReadableCollection } from '../store/collection-access.ts'
import { isBehind } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import type { CollectionView } from './collection-schema.ts'
import { etagOf } from './etag.ts'

/** Settings as JSON has them, every one of them given; PUT takes the same. */
export function settingsToJson(settings: CollectionSettings) {
  const { name, description, type, rule, inbox, maxTlp, nonPublic, bindings } = settings
  const { profile, packaging, cidr, pageSize, refreshDays = 0 } = settings
  return {
    name,
    description,
    type,
    rule,
    inbox,
    maxTlp,
    nonPublic,
    bindings: [...bindings],
    profile,
    packaging,
    cidr,
    ...(pageSize !== undefined && { pageSize }),
    refreshDays,
  }
}

/** Of the settings alone: counts change by themselves. */
export function etagOfCollection(collection: CollectionSettings): string {
  return etagOf(settingsToJson(collection))
}

export async function readViews(
  db: Db,
  { permissions }: Caller,
  collections: readonly ReadableCollection[],
): Promise<CollectionView[]> {
  const counts = await countLiveBlocks(
    db,
    collections.map(({ id }) => id),
  )
  return collections.map((collection) => ({
    ...settingsToJson(collection),
    streams: collection.bindings.map((binding) => ({
      binding,
      blocks: counts.get(collection.id)?.get(binding) ?? 0,
    })),
    behind: isBehind(collection),
    access: { read: true, write: collection.writable && permissions.has('collections:write') },
  }))
}
