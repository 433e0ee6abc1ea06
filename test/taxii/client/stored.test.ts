import t from 'tap'
import { findCollection } from '../../../src/store/collections.ts'
import { subscribe } from '../../../src/store/subscriptions.ts'
import { microsPerDay } from '../../../src/taxii/client/windows.ts'
import { readLiveValues } from '../../helpers/sound-feed.ts'
import { openTestStore } from '../../helpers/stores.ts'
import { aCollection, anAssertion, createTestIntake, reportOn } from '../../intake/reports.ts'
import { readClock, startStoredServer } from '../stored-server.ts'
import { hour, pollOnce } from './polling.ts'

const host = (number: number) => `host-${number}.taxiway-demo.com`
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'

t.test('our own server, as each device sees it', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.settle(
    aCollection({ name: 'esa', profile: 'esa' }),
    aCollection({ name: 'tid', profile: 'tid', pageSize: 7 }),
    aCollection({ name: 'pages', pageSize: 7 }),
    aCollection({ name: 'old', bindings: [stix111], profile: 'esa' }),
    aCollection({ name: 'reports', packaging: 'report' }),
    aCollection({ name: 'set', type: 'data-set', profile: 'esa' }),
  )
  const server = await startStoredServer(t, db)
  const client = await server.addClient('esa1')
  const url = new URL(`${server.url}/taxii/poll`)
  const authorization = `Basic ${Buffer.from('esa1:pass').toString('base64')}`
  const hosts = Array.from({ length: 30 }, (_, number) => host(number))
  const others = [
    anAssertion('22.204.44.185', { type: 'ipv4' }),
    anAssertion('a'.repeat(64), { type: 'sha256' }),
    anAssertion('https://a.taxiway-demo.com/?a=1&b=2', { type: 'url' }),
    anAssertion('who@taxiway-demo.com', { type: 'email' }),
  ]
  await intake.take([reportOn([...hosts, ...others])])
  const now = await readClock(db)
  const lately = { authorization, begin: now - microsPerDay, end: now }

  /** What a device takes in of a collection, sorted. */
  async function take(asked: Parameters<typeof pollOnce>[1]) {
    const polled = await pollOnce(url, { ...lately, ...asked })
    const values = polled.blocks.flatMap(({ reading }) =>
      reading.choked
        ? []
        : reading.observables.filter(({ dropped }) => !dropped).map(({ value }) => value),
    )
    return { ...polled, values: values.toSorted() }
  }

  await t.test('the device takes in every block of the profile that is made for it', async (t) => {
    for (const [as, collection] of [
      ['esa', 'esa'],
      ['esa', 'old'],
      ['tid', 'tid'],
      ['minemeld', 'old'],
    ] as const) {
      const { values, outcome, rules } = await take({ as, collection })
      t.equal(outcome.fault, undefined)
      t.strictSame(rules, [], `${as} of ${collection}`)
      t.strictSame(values, await readLiveValues(db, collection), `${as} of ${collection}`)
      t.equal(outcome.tally.dropped.size, 0)
    }
  })

  await t.test(
    'the appliance drops the rest of a collection that was made for others',
    async (t) => {
      const { values, outcome } = await take({ collection: 'reports' })
      const live = await readLiveValues(db, 'esa')
      t.strictSame(values, live)
      t.match(
        [...outcome.tally.dropped.values()],
        [{ rule: 'type', count: 1, example: { type: 'email', value: 'who@taxiway-demo.com' } }],
      )
    },
  )

  await t.test('cabby reads all parts, and the part behind the last, which is empty', async (t) => {
    const { outcome, rules, requests } = await take({
      as: 'cabby',
      collection: 'pages',
      begin: undefined,
      end: undefined,
    })
    const { length } = await readLiveValues(db, 'pages')
    t.ok(length > 28 && length <= 35)
    t.strictSame([outcome.tally.blocks, outcome.fault, rules], [length, undefined, []])
    t.equal(requests.length, 6)
  })

  await t.test(
    'a full poll in windows gets each block once, and a delta what came since',
    async (t) => {
      let turn = 0
      const times = [now, now + hour]
      const windows = { windowDays: 5, begin: now - 12 * microsPerDay, deltas: 1 }
      await intake.take([reportOn([host(99)], { externalId: 'r2' })])
      // The client's clock is an hour ahead by then: the server answers up to its own.
      const { values, rules, outcome } = await take({
        collection: 'esa',
        ...windows,
        now: () => times[turn++] ?? now,
      })
      t.strictSame(values, await readLiveValues(db, 'esa'))
      t.strictSame(rules, ['another-end'])
      t.match(outcome, { windows: { polled: 3, planned: 3 }, deltas: 1, until: now + hour })
    },
  )

  await t.test('a data set comes whole in each window, which is told once for each', async (t) => {
    const whole = await take({ collection: 'set' })
    const live = await readLiveValues(db, 'set')
    t.strictSame([whole.values, whole.rules], [live, ['whole-set']])
    t.equal(whole.outcome.fault, undefined)
    const windows = { windowDays: 5, begin: now - 12 * microsPerDay }
    const repeated = await take({ collection: 'set', ...windows })
    t.match(repeated.outcome, {
      tally: { blocks: 3 * live.length },
      windows: { polled: 3 },
      warnings: [{ rule: 'whole-set', count: 3 }],
    })
  })

  await t.test('a poll by subscription brings what was subscribed to', async (t) => {
    const { id } = await subscribe(db, {
      accountId: client.account.id,
      collectionId: (await findCollection(db, 'tid'))?.id ?? 0,
      responseType: 'FULL',
      contentBindings: [],
    })
    const { values, outcome } = await take({
      as: 'cabby',
      collection: 'tid',
      subscriptionId: id,
      begin: undefined,
      end: undefined,
    })
    t.equal(outcome.fault, undefined)
    t.strictSame(values, await readLiveValues(db, 'tid'))
  })

  await t.test('refusals are told as the server spells them', async (t) => {
    const absent = await take({ collection: 'absent' })
    t.match(absent.outcome.fault, { kind: 'status-message', message: /^NOT_FOUND \(ITEM=absent\)/ })
    const wrong = await take({ collection: 'esa', authorization: 'Basic eDp5' })
    t.match(wrong.outcome.fault, { kind: 'unauthorized', message: /^HTTP 401: UNAUTHORIZED/ })
    const binding = await take({ collection: 'esa', bindings: [stix111] })
    t.match(binding.outcome.fault?.message, /^UNSUPPORTED_CONTENT \(SUPPORTED_CONTENT=/)
    const subscribed = await take({ collection: 'esa', subscriptionId: 's' })
    t.match(subscribed.outcome.fault?.message, /^NOT_FOUND/)
    const unknown = await take({ as: 'tid', collection: 'absent' })
    t.match(
      unknown.outcome.fault?.advice.join(),
      /it advertises: esa, tid, pages, old, reports, set/,
    )
  })
})
