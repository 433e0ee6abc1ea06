import { authorCollection } from '../model/author-collection.ts'
import type { CollectionSettings } from '../model/collection.ts'
import {
  countAuthorCollections,
  findCollectionNames,
  insertCollection,
} from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { findAuthors } from '../store/sources.ts'

/** Each costs every poller a line in the list of collections; no key is subscribed to so many authors. */
export const maxAuthorCollections = 500

export interface MadeAuthorCollections {
  /** names of the collections */
  readonly made: readonly string[]
  /** authors whose name cannot be part of a collection's */
  readonly unnameable: readonly string[]
  /** authors who have none because there are too many */
  readonly left: readonly string[]
}

/**
 * Makes the collection of each author who has none: `user_NAME`, as OTX's own TAXII server has it. One that
 * exists is an operator's and stays as it is. Pass the transaction that takes in an author's first reports,
 * and they are published with it; needs the intake lock, so that none come in between.
 * @param most how many there may be in all; one more is not made, since whoever can publish at the source
 *   can make up authors
 */
export async function makeAuthorCollections(
  trx: Db,
  source: string,
  authors: readonly string[],
  most: number = maxAuthorCollections,
): Promise<MadeAuthorCollections> {
  const unnameable: string[] = []
  const wanted = new Map<string, { author: string; settings: CollectionSettings }>()
  for (const author of new Set(authors)) {
    const settings = authorCollection(source, author)
    if (settings) wanted.set(settings.name, { author, settings })
    else if (author !== '') unnameable.push(author)
  }
  for (const name of await findCollectionNames(trx, [...wanted.keys()])) wanted.delete(name)
  const missing = [...wanted.values()]
  if (missing.length === 0) return { made: [], unnameable, left: [] }
  const room = Math.max(0, most - (await countAuthorCollections(trx)))
  const making = missing.slice(0, room)
  // Of authors who are there already, the feed follows by reconciliation, as with any change of settings.
  const known = await findAuthors(
    trx,
    source,
    making.map(({ author }) => author),
  )
  for (const { author, settings } of making) {
    await insertCollection(trx, settings, { reconciled: !known.has(author) })
  }
  return {
    made: making.map(({ settings }) => settings.name),
    unnameable,
    left: missing.slice(room).map(({ author }) => author),
  }
}
