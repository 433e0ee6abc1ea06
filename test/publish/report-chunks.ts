import type { CollectionSettings } from '../../src/model/collection.ts'
import type { Db } from '../../src/store/db.ts'
import { readLiveChunks } from '../helpers/sound-feed.ts'
import { aCollection } from '../intake/reports.ts'

export const host = (name: string | number) => `h${name}.taxiway-demo.com`
export const hosts = (count: number) => Array.from({ length: count }, (_, n) => host(n))

/** A collection whose blocks are packages of reports. */
export function byReports(change: Partial<CollectionSettings> = {}): CollectionSettings {
  return aCollection({ packaging: 'report', ...change })
}

/** `report/number: values` of each live chunk of a collection, by report and number. */
export async function chunksOf(db: Db, collection = 'all'): Promise<readonly string[]> {
  const chunks = await readLiveChunks(db, collection)
  return chunks
    .map(({ report, number, values }) => `${report}/${number}: ${values.join(' ')}`)
    .sort()
}
