import t from 'tap'
import type { CollectionSettings } from '../../src/model/collection.ts'
import type { ObservableType } from '../../src/model/observable.ts'
import { isPublishable } from '../../src/stix/profiles.ts'
import { readCollections, type StoredCollection } from '../../src/store/collections.ts'
import { readPermittedIndicators } from '../../src/store/lint.ts'
import type { IndicatorWithPermits } from '../../src/store/views.ts'
import { type Counts, readEveryBlock } from './blocks.ts'
import { countLive, startSeeded } from './seeded.ts'

const service = await startSeeded(t)
const { db } = service
const collections = await readCollections(db)
const streams = collections.flatMap((collection) =>
  collection.bindings.map((binding) => ({ collection, binding })),
)

const found = await readEveryBlock(
  service,
  streams.map(({ collection, binding }) => [collection.name, binding]),
  { counted: true },
)

/** What python-stix calls the one value of an indicator. */
const namesInCybox: Readonly<Partial<Record<ObservableType, string>>> = {
  ...{ ipv4: 'ipv4-addr', ipv6: 'ipv6-addr', cidr: 'cidr', domain: 'FQDN', url: 'URL' },
  ...{ email: 'e-mail', md5: 'MD5', sha1: 'SHA1', sha256: 'SHA256', pehash: 'Other' },
  ...{ imphash: 'Other', 'file-path': 'File_Path', mutex: 'Mutex' },
}

function nameOf({ type, value }: IndicatorWithPermits, { cidr }: CollectionSettings): string {
  if (type === 'cve') return 'exploit targets'
  if (type === 'yara') return 'test mechanisms'
  const asAddress = value.includes(':') ? 'ipv6-addr' : 'ipv4-addr'
  if (type === 'cidr' && cidr === 'address') return asAddress
  return namesInCybox[type] ?? `no name for ${type}`
}

/** How often an indicator stands in a collection: once, or once for each report that asserts it. */
function timesIn({ permitted }: IndicatorWithPermits, { packaging }: CollectionSettings): number {
  if (packaging === 'indicator') return 1
  return new Set(permitted.map(({ reportId }) => reportId)).size
}

/** Families of malware and attack patterns that the permitted reports name, as many as a package takes. */
function countTtps({ permitted }: IndicatorWithPermits): number {
  const named = permitted.flatMap(({ assertion: { malwareFamilies, attackIds } }) => [
    ...malwareFamilies,
    ...attackIds,
  ])
  return Math.min(new Set(named.map((name) => name.trim().toLowerCase())).size, 10)
}

/** What a collection's rule permits and its shape can say, by the store and not by its blocks. */
async function countExpected(collection: StoredCollection): Promise<Counts> {
  const counts: Record<string, number> = {}
  const add = (name: string, times: number) => {
    if (times > 0) counts[name] = (counts[name] ?? 0) + times
  }
  for await (const { permitted } of readPermittedIndicators(db, collection, new Date())) {
    for (const indicator of permitted) {
      const { type, value } = indicator
      if (!isPublishable(collection, type, value)) continue
      const times = timesIn(indicator, collection)
      add(nameOf(indicator, collection), times)
      if (type !== 'cve') add('indicators', times)
      if (collection.packaging === 'report') continue
      add('blocks', 1)
      if (collection.profile === 'full' && type !== 'cve') {
        add('indicated TTPs', countTtps(indicator))
      }
    }
  }
  return counts
}

t.test('cabby, python-stix and stix-validator fail on no block', async (t) => {
  t.same(found.errors, [])
  t.equal(found.streams.length, streams.length)
  t.ok(found.distinct > 2_000, `${found.distinct} different blocks`)
})

t.test('every stream holds what its collection permits, by type', async (t) => {
  for (const [index, { collection, binding }] of streams.entries()) {
    const { blocks = 0, ...counts } = found.streams[index] as Counts
    const expected = await countExpected(collection)
    const where = `${collection.name}, ${binding}`
    t.equal(blocks, await countLive(db, collection.name, binding), where)
    // What a report's package says of TTPs it says once for all of its indicators.
    const { 'threat actors': actors = 0, TTPs = 0, ...rest } = counts
    if (collection.packaging === 'indicator') {
      t.same({ blocks, ...rest }, { blocks: 0, ...expected }, where)
      t.equal(TTPs, 0, where)
    } else {
      const { 'indicated TTPs': indicated = 0, ...values } = rest
      t.same(values, expected, where)
      t.equal(indicated > 0, TTPs > 0, where)
      t.equal(TTPs > 0, collection.profile === 'full', where)
    }
    if (collection.profile !== 'full') t.equal(actors, 0, where)
  }
})

t.test('the seeds have every type that can be published, TTPs and threat actors', async (t) => {
  const names = new Set(found.streams.flatMap((counts) => Object.keys(counts)))
  const wanted = [...Object.values(namesInCybox), 'exploit targets', 'test mechanisms']
  for (const name of [...wanted, 'indicated TTPs', 'TTPs', 'threat actors']) {
    t.ok(names.has(name), name)
  }
})
