import t from 'tap'
import { findAttribute } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection, packageOf, second, start } from './memory-feed.ts'
import {
  type Answer,
  child,
  childText,
  countOnly,
  fulfillment,
  full,
  pollRequest,
  request,
  startServer,
  statusOf,
} from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const server = await startServer(t)
const { feed } = server
feed.collections.push(
  collection({ name: 'set', type: 'data-set' }),
  collection({ id: 2, name: 'paged', type: 'data-set', pageSize: 2 }),
  collection({ id: 3, name: 'empty', type: 'data-set' }),
)
const labels = [1, 2, 3, 4, 5].map((n) => start + n * second)
feed.publish(1, stix12, ...labels)
feed.publish(2, stix12, ...labels)

const begin = (text: string) => `<t:Exclusive_Begin_Timestamp>${text}</t:Exclusive_Begin_Timestamp>`
const end = (text: string) => `<t:Inclusive_End_Timestamp>${text}</t:Inclusive_End_Timestamp>`

/** The labels that the memory feed has written into the packages. */
function heldBy({ body }: Answer): number[] {
  return [...body.matchAll(/id="ex:Package-(\d+)"/g)].map(([, label]) => Number(label))
}

/** A data set's response shows no time anywhere. */
function timesOf({ body }: Answer): string[] {
  return body.match(/<taxii_11:\w*Timestamp\w*>/g) ?? []
}

t.test('a poll of a data set gets all of it, without times and labels', async (t) => {
  const answer = await server.post(pollRequest(full, 'set'))
  t.equal(answer.root.name, 'Poll_Response')
  t.strictSame(heldBy(answer), labels)
  t.strictSame(timesOf(answer), [])
  t.equal(childText(answer.root, 'Record_Count'), '5')
  t.equal(findAttribute(answer.root, 'more'), 'false')
  const [label = 0] = labels
  t.ok(answer.body.includes(`<taxii_11:Content>${packageOf(label)}</taxii_11:Content></taxii_11:C`))
})

t.test('the times of a request to a data set are ignored, whatever they are', async (t) => {
  for (const window of [
    begin('2026-01-01T00:00:03Z'),
    end('2026-01-01T00:00:02Z'),
    begin('2026-01-01T00:00:02Z') + end('2026-01-01T00:00:04Z'),
    begin('2026-01-02T00:00:00Z') + end('2026-01-01T00:00:00Z'),
    begin('2099-01-01T00:00:00Z'),
  ]) {
    const answer = await server.post(pollRequest(window + full, 'set'))
    t.strictSame(heldBy(answer), labels, window)
    t.strictSame(timesOf(answer), [], window)
    t.equal(childText(answer.root, 'Message'), undefined)
  }
  const naive = begin('2026-01-01T00:00:00')
  t.equal(statusOf(await server.post(pollRequest(naive + full, 'set'))), 'BAD_MESSAGE')
})

t.test('what has been withdrawn is in a data set no more', async (t) => {
  feed.publish(1, stix12, start + 6 * second)
  t.strictSame(heldBy(await server.post(pollRequest(full, 'set'))).length, 6)
  feed.withdraw(start + 6 * second)
  t.strictSame(heldBy(await server.post(pollRequest(full, 'set'))), labels)
})

t.test('COUNT_ONLY counts a data set', async (t) => {
  const answer = await server.post(pollRequest(countOnly, 'set'))
  t.equal(childText(answer.root, 'Record_Count'), '5')
  t.strictSame([heldBy(answer), timesOf(answer)], [[], []])
})

t.test('an empty data set is a response without blocks and times', async (t) => {
  const answer = await server.post(pollRequest(full, 'empty'))
  t.equal(answer.root.name, 'Poll_Response')
  t.equal(childText(answer.root, 'Record_Count'), '0')
  t.strictSame(timesOf(answer), [])
})

t.test('a data set comes in parts as a feed does, none of which shows a time', async (t) => {
  const first = await server.post(pollRequest(begin('2026-01-01T00:00:04Z') + full, 'paged'))
  const id = findAttribute(first.root, 'result_id') ?? ''
  const parts = [first]
  for (const part of [2, 3]) parts.push(await server.post(fulfillment(id, part, 'paged')))
  t.strictSame(parts.flatMap(heldBy), labels)
  t.strictSame(parts.flatMap(timesOf), [])
  t.strictSame(
    parts.map(({ root }) => [
      findAttribute(root, 'result_part_number'),
      findAttribute(root, 'more'),
      childText(root, 'Record_Count'),
    ]),
    [
      ['1', 'true', '5'],
      ['2', 'true', '5'],
      ['3', 'false', '5'],
    ],
  )
  const beyond = await server.post(fulfillment(id, 4, 'paged'))
  t.equal(statusOf(beyond), 'INVALID_RESPONSE_PART MAX_PART_NUMBER=3')
})

t.test('a data set is advertised as one, and subscribed to as a feed is', async (t) => {
  const { root } = await server.post(request('Collection_Information_Request'))
  t.strictSame(
    root.children.map((one) => findAttribute(one, 'collection_type')),
    ['DATA_SET', 'DATA_SET', 'DATA_SET'],
  )
  const made = await server.post(
    request('Subscription_Management_Request', 'collection_name="set" action="SUBSCRIBE"'),
  )
  const subscription = child(made.root, 'Subscription')
  const id = subscription && childText(subscription, 'Subscription_ID')
  const answer = await server.post(
    pollRequest(
      `${begin('2099-01-01T00:00:00Z')}<t:Subscription_ID>${id}</t:Subscription_ID>`,
      'set',
    ),
  )
  t.equal(childText(answer.root, 'Subscription_ID'), id)
  t.strictSame([heldBy(answer), timesOf(answer)], [labels, []])
})

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
