import type { CollectionSettings } from '../../model/collection.ts'
import type { ApplyAnswer, CollectionView } from '../collection-schema.ts'
import type { AdminConnection } from './connection.ts'
import { RefusedByServer } from './errors.ts'

/** The calls of the REST interface on collections. */
export function collectionCalls({ ask, pages }: AdminConnection) {
  const get = (name: string) =>
    ask<CollectionView>('GET', `/collections/${encodeURIComponent(name)}`)
  return {
    list: () => pages<CollectionView>('/collections', 'collections'),
    get,
    /** @returns undefined where there is none, or none that one may read */
    async find(name: string): Promise<CollectionView | undefined> {
      try {
        return await get(name)
      } catch (error) {
        if (error instanceof RefusedByServer && error.code === 'COLLECTION_NOT_FOUND') return
        throw error
      }
    },
    apply: (collections: readonly CollectionSettings[], dryRun: boolean) =>
      ask<ApplyAnswer>('POST', '/collections/apply', {
        collections: collections.map(settingsToInput),
        dryRun,
      }),
  }
}

/** 0 is never; absent would be the default. */
function settingsToInput({ refreshDays = 0, ...settings }: CollectionSettings) {
  return { ...settings, refreshDays }
}
