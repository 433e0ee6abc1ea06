import fc from 'fast-check'
import t from 'tap'
import { collection, second, start } from './memory-feed.ts'
import { fulfillment, full, pollRequest, request, startServer, statusOf } from './server.ts'

const server = await startServer(t)
server.feed.collections.push(collection({ pageSize: 2 }))
server.feed.publish(1, 'urn:stix.mitre.org:xml:1.2', start, start + second, start + 2 * second)

const time = '2026-01-01T00:00:00.5+01:00'
const messages = [
  request('Discovery_Request'),
  request('Collection_Information_Request', '', '<t:Extended_Headers/>'),
  pollRequest(`<t:Exclusive_Begin_Timestamp>${time}</t:Exclusive_Begin_Timestamp>${full}`),
  pollRequest(
    '<t:Poll_Parameters allow_asynch="true"><t:Content_Binding binding_id="urn:stix.mitre.org:xml:1.2"><t:Subtype subtype_id="s"/></t:Content_Binding><t:Query format_id="q"/></t:Poll_Parameters>',
  ),
  fulfillment('set-1&"<', 2),
  request(
    'Inbox_Message',
    '',
    '<t:Content_Block><t:Content><![CDATA[x]]></t:Content></t:Content_Block>',
  ),
  request('Subscription_Management_Request', 'action="STATUS" collection_name="urls"'),
].map((text) => Buffer.from(text))

const fragment = fc.constantFrom(
  ...['<', '>', '/', '"', "'", '&', ';', '&#0;', '&#x10FFFF;', '&lt;', ']]>', '<![CDATA[', '<!--'],
  ...['<!DOCTYPE a [', '<?', '?>', 'xmlns=', 'xmlns:t=""', ':', '\0', '\ufeff', '\ufffe', '=', ' '],
  ...['<t:', '</t:', '/>', '__proto__', 'constructor', '99999999999999999999', '-1', '\u2028'],
)
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  take: fc.nat({ max: 12 }),
  put: fc.oneof(
    fragment.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  ),
})

function mutate(message: Buffer, mutations: { at: number; take: number; put: Buffer }[]): Buffer {
  return mutations.reduce((bytes, { at, take, put }) => {
    const index = Math.floor(at * bytes.length)
    return Buffer.concat([bytes.subarray(0, index), put, bytes.subarray(index + take)])
  }, message)
}

t.test('whatever is sent, the answer is a message of ours and the server goes on', async (t) => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...messages),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      async (message, mutations) => {
        const body = mutate(message, mutations)
        const answer = await server.post(new Uint8Array(body))
        if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`)
        seen.add(statusOf(answer).split(' ')[0] ?? '')
      },
    ),
    { seed: 20260101, numRuns: 2_000 },
  )
  t.strictSame(server.logged, [])
  // Neither is everything refused, nor do all mutations miss.
  for (const answer of ['BAD_MESSAGE', 'Poll_Response', 'Discovery_Response']) {
    t.ok(seen.has(answer), answer)
  }
  t.equal(statusOf(await server.post(pollRequest())), 'Poll_Response')
})
