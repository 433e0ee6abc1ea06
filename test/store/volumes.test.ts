import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import t from 'tap'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { createVolumeReader, readVolumes } from '../../src/store/volumes.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'

async function makeCollection(db: Db, name: string): Promise<number> {
  await writeCollection(db, aCollection({ name }))
  const found = (await readCollections(db)).find((one) => one.name === name)
  if (!found) throw new Error('the collection was not stored')
  return found.id
}

/** Publishes so many blocks so many hours ago; binding 1 is STIX 1.2, and 2 is STIX 1.1.1. */
async function publish(db: Db, id: number, hoursAgo: number, blocks: number, binding = 1) {
  await sql`
    insert into publications (collection_id, binding, base_label, block_count, live_count)
    values (${id}::integer, ${binding}::smallint,
      taxiway_micros() - ${hoursAgo}::bigint * 3600000000, ${blocks}::integer, 0)`.execute(db)
}

t.test('a typical day is the median of seven, whatever a first filling brought', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const id = await makeCollection(db, 'steady')
    await publish(db, id, 24 * 30, 1_000_000)
    await publish(db, id, 24 * 6 + 12, 100_000)
    for (const day of [0, 1, 2, 3]) {
      await publish(db, id, 24 * day + 12, 40)
      await publish(db, id, 24 * day + 6, 60 + day)
    }
    await publish(db, id, 12, 7, 2)
    const other = await makeCollection(db, 'quiet')
    await publish(db, other, 24 * 30, 5)
    const volumes = await readVolumes(db)
    // Sorted: 0, 0, 100, 101, 102, 103, 100000.
    t.equal(volumes.get(id)?.get(stix12), 101)
    t.equal(volumes.get(id)?.get(stix111), undefined, 'it has not published for a day')
    t.equal(volumes.get(other)?.get(stix12), 0)
  })
})

t.test('of a collection that is new nothing is known, and of a young one its days', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const fresh = await makeCollection(db, 'new')
    await publish(db, fresh, 23, 1_000)
    const young = await makeCollection(db, 'young')
    await publish(db, young, 24 * 2 + 1, 900)
    await publish(db, young, 30, 50)
    await publish(db, young, 10, 30)
    await makeCollection(db, 'empty')
    const volumes = await readVolumes(db)
    t.strictSame(
      [...volumes].map(([id, one]) => [id, one.get(stix12)]),
      [[young, 30]],
    )
  })
})

t.test('volumes are read once in ten minutes, and nobody waits for the second time', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  let now = 0
  const read = createVolumeReader(db, () => now)
  const id = await makeCollection(db, 'steady')
  await publish(db, id, 24 * 2, 5)
  const [first, second] = await Promise.all([read(), read()])
  t.equal(first, second)
  t.equal(first.get(id)?.get(stix12), 0)
  await publish(db, id, 30, 5)
  await publish(db, id, 10, 5)
  now = 599_999
  t.equal(await read(), first)
  now = 600_000
  t.equal(await read(), first, 'what is known is told while it is read again')
  let later = await read()
  while (later === first) {
    await setImmediate()
    later = await read()
  }
  t.equal(later.get(id)?.get(stix12), 5)
})

t.test(
  'where volumes cannot be read the first who asks is told so, and the next tries again',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const read = createVolumeReader(db, () => 0)
    await sql`alter table publications rename to gone`.execute(db)
    await t.rejects(read())
    await sql`alter table gone rename to publications`.execute(db)
    t.equal((await read()).size, 0)
  },
)
