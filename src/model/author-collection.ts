import type { CollectionSettings } from './collection.ts'

/**
 * What a collection may be called: one word for a command line, a column and a URI, whatever a client does
 * with it. schemas/collections.schema.json has the same.
 */
export const collectionNamePattern = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$/

/**
 * The name of an author's collection, as OTX's own TAXII server has it; undefined where the author's name
 * cannot be part of one. Nothing is replaced in it: two authors never share a name.
 */
export function authorCollectionName(author: string): string | undefined {
  const name = `user_${author}`
  return author !== '' && collectionNamePattern.test(name) ? name : undefined
}

/** As OTX has them: one binding, everything of that author, described in the same words. */
export function authorCollection(source: string, author: string): CollectionSettings | undefined {
  const name = authorCollectionName(author)
  if (name === undefined) return undefined
  return {
    name,
    description: `Data feed for user: ${author}`,
    rule: { all: [{ source }, { author }] },
    maxTlp: 'green',
    type: 'data-feed',
    inbox: false,
    nonPublic: false,
    bindings: ['urn:stix.mitre.org:xml:1.1.1'],
    profile: 'esa',
    packaging: 'indicator',
    cidr: 'omit',
    pageSize: undefined,
    refreshDays: 20,
  }
}
