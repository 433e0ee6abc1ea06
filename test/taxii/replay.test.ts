import t from 'tap'
import { recall, settleRecalls } from '../../src/intake/recall.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, anAssertion, createTestIntake, reportOn } from '../intake/reports.ts'
import { type Answered, readClock, startStoredServer } from './stored-server.ts'

const host = (name: string) => `${name}.taxiway-demo.com`
const hosts = ['a', 'b', 'c', 'd', 'e'].map(host)
const second = 1_000_000

function withoutIds({ text }: Answered): string {
  return text.replace(/ message_id="[^"]*"/, '')
}

t.test('a part that is asked for again is the same but for its message id', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ pageSize: 2 }))
    const server = await startStoredServer(t, db)
    const client = await server.addClient('esa1')
    // It goes on from an end of its own that lay ahead, which the first part has to say.
    const end = (await readClock(db)) + 3_600 * second
    await client.poll('all', { end })
    await intake.take([reportOn(hosts)])
    const first = await client.poll('all', { begin: end, end: end + second })
    t.match(first.message, /lies ahead/)
    const parts = [first]
    for (const part of [2, 3]) parts.push(await client.fulfil('all', first.resultId, part))
    t.same(
      parts.flatMap(({ values }) => values),
      hosts,
    )
    const replay = async () => {
      const again: Answered[] = []
      for (const part of [1, 2, 3]) again.push(await client.fulfil('all', first.resultId, part))
      return again
    }
    t.same((await replay()).map(withoutIds), parts.map(withoutIds))

    await t.test('after a revision too', async (t) => {
      const revised = hosts.map((value) => anAssertion(value, { title: 'Revised' }))
      await intake.take([reportOn([...revised, host('new')], { revision: '2' })])
      t.same((await replay()).map(withoutIds), parts.map(withoutIds))
      const next = await client.poll('all', { begin: parts[2]?.end })
      t.same(next.values, hosts.slice(0, 2), 'the newer versions come with the next poll')
    })

    await t.test('but for what was withdrawn since', async (t) => {
      const indicators = ['b', 'c', 'd'].map((name) => ({
        type: 'domain' as const,
        value: host(name),
      }))
      await recall(intake, { subject: { indicators }, reason: 'test', by: 'ana' })
      await settleRecalls(intake)
      const again = await replay()
      t.same(
        again.map(({ values }) => values),
        [[host('a')], [host('e')], []],
      )
      t.same(
        again.map(({ more }) => more),
        [true, true, false],
      )
      t.same((await replay()).map(withoutIds), again.map(withoutIds))
    })
  })
})
