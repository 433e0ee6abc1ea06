import t from 'tap'
import { formatMicros } from '../../src/model/micros.ts'
import { findAttribute } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection, packageOf, second, start } from './memory-feed.ts'
import { child, childText, countOnly, full, labelsOf, pollRequest, startServer } from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'

const server = await startServer(t)
const { feed } = server
feed.collections.push(
  collection(),
  collection({ id: 2, name: 'quiet' }),
  collection({ id: 3, name: 'old', bindings: [stix111] }),
)
const labels = [1, 2, 3, 4, 5].map((n) => start + n * second + n)
feed.publish(1, stix12, ...labels)
feed.publish(1, stix111, start + 1, start + 2)
feed.publish(3, stix111, start + 1)
const written = labels.map(formatMicros)
const now = formatMicros(feed.now)

function window(begin: number | undefined, end: number | undefined, rest = full): string {
  const element = (name: string, at: number | undefined) =>
    at === undefined ? '' : `<t:${name}>${formatMicros(at)}</t:${name}>`
  return pollRequest(
    element('Exclusive_Begin_Timestamp', begin) + element('Inclusive_End_Timestamp', end) + rest,
  )
}

function binding(...ids: string[]): string {
  const bindings = ids.map((id) => `<t:Content_Binding binding_id="${id}"/>`).join('')
  return `<t:Poll_Parameters>${bindings}</t:Poll_Parameters>`
}

t.test('a poll without a window gets every block in the order of the labels', async (t) => {
  const answer = await server.post(pollRequest())
  t.equal(answer.status, 200)
  const { root } = answer
  t.equal(root.name, 'Poll_Response')
  t.equal(findAttribute(root, 'collection_name'), 'urls')
  t.equal(findAttribute(root, 'more'), 'false')
  t.equal(findAttribute(root, 'result_id'), undefined)
  t.equal(childText(root, 'Exclusive_Begin_Timestamp'), undefined)
  t.equal(childText(root, 'Inclusive_End_Timestamp'), now, 'the safe moment is the end')
  t.equal(childText(root, 'Record_Count'), '5')
  t.strictSame(labelsOf(answer), written)
})

t.test('a block is the stored package, byte for byte, under its label and binding', async (t) => {
  const { body, root } = await server.post(pollRequest())
  const block = child(root, 'Content_Block')
  const bound = block && child(block, 'Content_Binding')
  t.equal(bound && findAttribute(bound, 'binding_id'), stix12)
  for (const label of labels) {
    t.ok(body.includes(`<taxii_11:Content>${packageOf(label)}</taxii_11:Content>`))
  }
})

t.test('the begin is exclusive, the end inclusive, and both are echoed', async (t) => {
  const [, second = 0, , fourth = 0] = labels
  const answer = await server.post(window(second, fourth))
  t.strictSame(labelsOf(answer), written.slice(2, 4))
  t.equal(childText(answer.root, 'Exclusive_Begin_Timestamp'), written[1])
  t.equal(childText(answer.root, 'Inclusive_End_Timestamp'), written[3])
  t.equal(childText(answer.root, 'Record_Count'), '2')
})

t.test('windows that meet give every block once, to the microsecond', async (t) => {
  const seen: unknown[] = []
  for (const [index, label] of labels.entries()) {
    seen.push(...labelsOf(await server.post(window(labels[index - 1], label))))
  }
  t.strictSame(seen, written)
  const [, middle = 0] = labels
  t.strictSame(labelsOf(await server.post(window(middle - 1, middle))), [written[1]])
  t.strictSame(labelsOf(await server.post(window(middle, middle + 1))), [])
})

t.test('an empty window is a response without blocks', async (t) => {
  const answer = await server.post(window(start + 100 * second, start + 200 * second))
  t.equal(answer.root.name, 'Poll_Response')
  t.strictSame(labelsOf(answer), [])
  t.equal(childText(answer.root, 'Record_Count'), '0')
  const quiet = await server.post(pollRequest(full, 'quiet'))
  t.strictSame(labelsOf(quiet), [])
  t.equal(childText(quiet.root, 'Inclusive_End_Timestamp'), now)
})

t.test('an end ahead of the safe moment is brought back to it', async (t) => {
  const answer = await server.post(window(start, feed.now + 86_400 * second))
  t.equal(childText(answer.root, 'Inclusive_End_Timestamp'), now)
  t.equal(labelsOf(answer).length, 5)
})

t.test('a begin ahead of the safe moment is brought back to it: nothing is missed', async (t) => {
  const ahead = feed.now + 86_400 * second
  for (const end of [undefined, ahead + second]) {
    const answer = await server.post(window(ahead, end))
    t.strictSame(labelsOf(answer), [])
    t.equal(childText(answer.root, 'Exclusive_Begin_Timestamp'), now)
    t.equal(childText(answer.root, 'Inclusive_End_Timestamp'), now)
  }
})

t.test('COUNT_ONLY counts and sends no block', async (t) => {
  const answer = await server.post(window(labels[0], undefined, countOnly))
  t.equal(childText(answer.root, 'Record_Count'), '4')
  t.strictSame(labelsOf(answer), [])
  t.equal(findAttribute(answer.root, 'more'), 'false')
})

t.test('the first binding of the collection that was asked for is served', async (t) => {
  const served = async (parameters: string, name = 'urls') => {
    const answer = await server.post(pollRequest(parameters, name))
    const bindings = answer.root.children
      .filter((one) => one.name === 'Content_Block')
      .map((one) => child(one, 'Content_Binding'))
      .map((one) => one && findAttribute(one, 'binding_id'))
    return { bindings: new Set(bindings), count: bindings.length }
  }
  t.strictSame(await served(binding()), { bindings: new Set([stix12]), count: 5 })
  t.strictSame(await served(binding(stix111)), { bindings: new Set([stix111]), count: 2 })
  t.strictSame(await served(binding(stix111, stix12)), { bindings: new Set([stix12]), count: 5 })
  t.strictSame(await served(binding('urn:other', stix111)), {
    bindings: new Set([stix111]),
    count: 2,
  })
  t.strictSame(await served(binding(), 'old'), { bindings: new Set([stix111]), count: 1 })
})

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
