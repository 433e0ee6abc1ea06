import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  authorCollection,
  authorCollectionName,
  collectionNamePattern,
} from '../../src/model/author-collection.ts'

t.test('the pattern of names is that of the collections file', async (t) => {
  const file = new URL('../../schemas/collections.schema.json', import.meta.url)
  const schema = JSON.parse(readFileSync(file, 'utf8'))
  t.equal(collectionNamePattern.source, schema.definitions.collection.properties.name.pattern)
})

t.test('an author’s collection is called as at OTX', async (t) => {
  for (const author of ['AlienVault', 'a.b-c_d', 'x@example.org', '_', '0', 'a'.repeat(123)]) {
    t.equal(authorCollectionName(author), `user_${author}`)
  }
  t.match(authorCollection('otx', 'AlienVault'), {
    name: 'user_AlienVault',
    description: 'Data feed for user: AlienVault',
    rule: { all: [{ source: 'otx' }, { author: 'AlienVault' }] },
    bindings: ['urn:stix.mitre.org:xml:1.1.1'],
  })
})

t.test(
  'a name that is not safe everywhere has none, and none is bent into another’s',
  async (t) => {
    const unsafe = [
      '',
      'Harbour Watch',
      'Müller',
      'a/b',
      'a%20b',
      '<x>',
      'a"b',
      "a'b",
      'a\nb',
      'a\u202eb',
    ]
    for (const author of [...unsafe, 'a\n', 'a'.repeat(124)]) {
      t.equal(authorCollectionName(author), undefined, JSON.stringify(author))
      t.equal(authorCollection('otx', author), undefined)
    }
  },
)
