import t from 'tap'
import type { CollectionSettings } from '../../src/model/collection.ts'
import type { Db } from '../../src/store/db.ts'
import { readLiveBlocks, readLiveChunks } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake, reportOn } from '../intake/reports.ts'

const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const
const host = (name: string | number) => `h${name}.taxiway-demo.com`
const hosts = (count: number) => Array.from({ length: count }, (_, n) => host(n))

function byReports(change: Partial<CollectionSettings> = {}): CollectionSettings {
  return aCollection({ packaging: 'report', ...change })
}

/** `report/number: values` of each live chunk of a collection, by report and number. */
async function chunksOf(db: Db, collection = 'all'): Promise<readonly string[]> {
  const chunks = await readLiveChunks(db, collection)
  return chunks
    .map(({ report, number, values }) => `${report}/${number}: ${values.join(' ')}`)
    .sort()
}

t.test('a report is one package for up to a hundred of its indicators', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports({ bindings }))
    await intake.take([reportOn(hosts(250)), reportOn([host(0), host(1)], { externalId: 'r2' })])
    t.same(await readLiveBlocks(db), [], 'and no indicator is one by itself')
    const chunks = await readLiveChunks(db)
    t.same(
      chunks.map((one) => `${one.binding} ${one.report}/${one.number} ${one.values.length}`).sort(),
      [
        '1 r1/1 100',
        '1 r1/2 100',
        '1 r1/3 50',
        '1 r2/1 2',
        '2 r1/1 100',
        '2 r1/2 100',
        '2 r1/3 50',
        '2 r2/1 2',
      ],
    )
    for (const binding of [1, 2]) {
      const ofR1 = chunks.filter((one) => one.binding === binding && one.report === 'r1')
      t.same(ofR1.flatMap(({ values }) => values).sort(), hosts(250).sort(), 'each is in one')
      for (const { content, values } of ofR1) {
        for (const value of values)
          if (!content.includes(`>${value}<`)) t.fail(`${value} is not shown`)
        t.equal(content.split('<stix:Indicator ').length - 1, values.length)
      }
    }
  })
})
