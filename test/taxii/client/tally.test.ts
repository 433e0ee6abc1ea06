import t from 'tap'
import type { ReceivedBlock } from '../../../src/taxii/client/block.ts'
import type { BlockReading, Reason } from '../../../src/taxii/client/reading.ts'
import {
  addReading,
  createTally,
  mergeTally,
  sortByCount,
} from '../../../src/taxii/client/tally.ts'
import { readXml } from '../../../src/xml/read.ts'
import { domainPackage } from './rogue-server.ts'

const content = readXml(Buffer.from(`<Content>${domainPackage('a.example')}</Content>`))
const block: ReceivedBlock = { binding: 'b', label: '2026-11-21T12:00:00Z', content }
const type: Reason = { rule: 'type', text: 'another family', grade: 'documented' }
const cidr: Reason = { rule: 'cidr', text: 'a block of addresses', grade: 'guess' }

function reading(change: Partial<BlockReading> = {}): BlockReading {
  return { choked: undefined, observables: [], ignored: [], ...change }
}

const observable = (value: string, dropped?: Reason) => ({ type: 'domain', value, dropped })

t.test(
  'what is taken in, dropped, choked on and ignored is counted with its first case',
  async (t) => {
    const tally = createTally()
    const fresh = (_type: string, value: string) => value !== 'again'
    const add = (one: BlockReading) => addReading(tally, block, one, fresh)
    add(reading({ observables: [observable('a'), observable('again'), observable('x', type)] }))
    add(reading({ observables: [observable('y', type), observable('z', cidr)], ignored: [cidr] }))
    add(reading({ choked: cidr, observables: [observable('b'), observable('c', type)] }))
    t.equal(tally.blocks, 3)
    t.equal(tally.fruitless, 2)
    t.strictSame([...tally.bindings], [['b', 3]])
    t.strictSame([...tally.types.values()], [{ type: 'domain', ingested: 2, distinct: 1 }])
    const where = { label: block.label, packageId: 'ex:Package-a.example' }
    t.strictSame(sortByCount(tally.dropped.values()), [
      { ...type, count: 2, example: { type: 'domain', value: 'x', ...where } },
      { ...cidr, count: 1, example: { type: 'domain', value: 'z', ...where } },
    ])
    const nothing = { type: undefined, value: undefined, ...where }
    t.strictSame([...tally.choked.values()], [{ ...cidr, count: 1, example: nothing }])
    t.strictSame([...tally.ignored.values()], [{ ...cidr, count: 1, example: nothing }])
  },
)

t.test('tallies add up, whichever way they are cut', async (t) => {
  const readings = [
    reading({ observables: [observable('a'), observable('x', type)] }),
    reading({ observables: [observable('b'), observable('y', cidr)] }),
    reading({ choked: type }),
    reading({ observables: [observable('z', type)], ignored: [cidr] }),
  ]
  const whole = createTally()
  for (const one of readings) addReading(whole, block, one, () => true)
  for (let cut = 0; cut <= readings.length; cut += 1) {
    const sum = createTally()
    for (const part of [readings.slice(0, cut), readings.slice(cut)]) {
      const tally = createTally()
      for (const one of part) addReading(tally, block, one, () => true)
      mergeTally(sum, tally)
    }
    t.strictSame(sum, whole)
  }
})

t.test('names that a server invents do not fill the memory', async (t) => {
  const tally = createTally()
  for (let number = 0; number < 2000; number += 1) {
    const name = `type ${number} ${'x'.repeat(1000)}`
    const reason: Reason = { rule: name, text: name, grade: 'guess' }
    addReading(
      tally,
      { ...block, binding: name },
      reading({
        observables: [
          { type: name, value: name, dropped: undefined },
          { type: name, value: name, dropped: reason },
        ],
      }),
      () => true,
    )
  }
  for (const map of [tally.bindings, tally.types, tally.dropped]) t.equal(map.size, 501)
  const [first] = tally.dropped.values()
  t.equal(first?.example.value?.length, 300)
  const counted = [...tally.types.values()].reduce((sum, one) => sum + one.ingested, 0)
  t.equal(counted, 2000, 'and all are counted')
})
