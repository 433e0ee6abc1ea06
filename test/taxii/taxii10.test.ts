import t from 'tap'
import { formatMicros } from '../../src/model/micros.ts'
import { findAttribute, type XmlElement } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection, otherReader, packageOf, second, start } from './memory-feed.ts'
import {
  ask10,
  binding10,
  binding11,
  headers10,
  namespace10,
  poll10,
  request10,
  status10,
} from './messages10.ts'
import {
  basic,
  child,
  childText,
  labelsOf,
  password,
  pollRequest,
  startServer,
  taxiiHeaders,
} from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'

const server = await startServer(t)
const { feed } = server
feed.collections.push(
  collection(),
  collection({ id: 2, name: 'secret', pageSize: 2 }),
  collection({ id: 3, name: 'set', type: 'data-set' }),
)
feed.hidden.add('secret')
const labels = [1, 2, 3, 4, 5].map((index) => start + index * second)
for (const id of [1, 2, 3]) feed.publish(id, stix12, ...labels)
feed.publish(1, stix111, start)

const ask = (body: string, headers?: Record<string, string | undefined>) =>
  ask10(server, body, headers)

const manyText = (element: XmlElement, name: string) =>
  element.children.filter((one) => one.name === name).map((one) => one.text)

t.test(
  'an answer is in the namespace, with the headers and of the kind of TAXII 1.0',
  async (t) => {
    for (const [body, name] of [
      [request10('Discovery_Request'), 'Discovery_Response'],
      [request10('Feed_Information_Request'), 'Feed_Information_Response'],
      [poll10(), 'Poll_Response'],
      [poll10('', 'feed_name="absent"'), 'Status_Message'],
      [poll10('<rubbish/>'), 'Status_Message'],
      ['<Q:Discovery_Request>', 'Status_Message'],
    ] as const) {
      const { root, headers, status } = await ask(body)
      t.equal(status, 200)
      t.equal(root.name, name)
      t.equal(root.namespace, namespace10)
      t.match(findAttribute(root, 'message_id'), /^\d+$/)
      t.equal(findAttribute(root, 'in_response_to'), body.includes('message_id') ? '0042' : '0')
      t.equal(headers.get('content-type'), 'application/xml')
      t.equal(headers.get('x-taxii-content-type'), binding10)
      t.equal(headers.get('x-taxii-services'), 'urn:taxii.mitre.org:services:1.0')
      t.equal(headers.get('x-taxii-protocol'), 'urn:taxii.mitre.org:protocol:http:1.0')
    }
  },
)

t.test('Discovery lists the services of TAXII 1.0, its message binding first', async (t) => {
  const { root } = await ask(request10('Discovery_Request'))
  const types = root.children.map((one) => findAttribute(one, 'service_type'))
  t.ok(types.includes('DISCOVERY') && types.includes('FEED_MANAGEMENT') && types.includes('POLL'))
  t.equal(new Set(types).size, types.length, 'one instance for each service')
  for (const one of root.children) {
    t.equal(findAttribute(one, 'service_version'), 'urn:taxii.mitre.org:services:1.0')
    t.equal(manyText(one, 'Message_Binding')[0], binding10)
    t.match(childText(one, 'Address'), `${server.url}/taxii/`)
  }
})

t.test('a client of TAXII 1.1 is told of TAXII 1.0 last', async (t) => {
  const { root } = await server.post(
    '<t:Discovery_Request xmlns:t="http://taxii.mitre.org/messages/taxii_xml_binding-1.1" message_id="1"/>',
  )
  for (const one of root.children) {
    t.strictSame(manyText(one, 'Message_Binding'), [
      'urn:taxii.mitre.org:message:xml:1.1',
      binding10,
    ])
  }
})

t.test(
  'feeds have their bindings and where to poll them, and are those that one may read',
  async (t) => {
    const { root } = await ask(request10('Feed_Information_Request'))
    t.strictSame(
      root.children.map((one) => findAttribute(one, 'feed_name')),
      ['urls', 'secret', 'set'],
    )
    const [urls] = root.children
    if (!urls) throw new Error('there is no feed')
    t.equal(childText(urls, 'Description'), 'URLs <of> "malware" & phishing')
    t.strictSame(manyText(urls, 'Content_Binding'), [stix12, stix111])
    const polling = child(urls, 'Polling_Service')
    t.equal(polling && childText(polling, 'Address'), `${server.url}/taxii/poll`)

    const authorization = { Authorization: basic(otherReader.name, password) }
    const other = await ask(request10('Feed_Information_Request'), authorization)
    t.notOk(other.root.children.some((one) => findAttribute(one, 'feed_name') === 'secret'))
    const hidden = await ask(poll10('', 'feed_name="secret"'), authorization)
    const absent = await ask(poll10('', 'feed_name="nothing"'), authorization)
    t.equal(status10(hidden.root), 'NOT_FOUND')
    t.equal(status10(absent.root), 'NOT_FOUND')
  },
)

t.test('a poll gives every block with its content, binding and label', async (t) => {
  const answer = await ask(poll10())
  t.equal(findAttribute(answer.root, 'feed_name'), 'urls')
  t.strictSame(labelsOf(answer), labels.map(formatMicros))
  t.equal(childText(answer.root, 'Inclusive_Begin_Timestamp'), undefined)
  t.equal(childText(answer.root, 'Inclusive_End_Timestamp'), formatMicros(feed.now))
  for (const label of labels)
    t.match(answer.body, `<taxii:Content>${packageOf(label)}</taxii:Content>`)
  const block = child(answer.root, 'Content_Block')
  t.equal(block && childText(block, 'Content_Binding'), stix12)
})

t.test('what was considered begins one microsecond after the begin that was asked', async (t) => {
  const [, begin = 0, , end = 0] = labels
  const answer = await ask(
    poll10(
      `<Q:Exclusive_Begin_Timestamp>${formatMicros(begin)}</Q:Exclusive_Begin_Timestamp>` +
        `<Q:Inclusive_End_Timestamp>${formatMicros(end)}</Q:Inclusive_End_Timestamp>`,
    ),
  )
  t.strictSame(labelsOf(answer), labels.slice(2, 4).map(formatMicros))
  t.equal(childText(answer.root, 'Inclusive_Begin_Timestamp'), formatMicros(begin + 1))
  t.equal(childText(answer.root, 'Inclusive_End_Timestamp'), formatMicros(end))

  const ahead = formatMicros(feed.now + second)
  const nothing = await ask(
    poll10(`<Q:Exclusive_Begin_Timestamp>${ahead}</Q:Exclusive_Begin_Timestamp>`),
  )
  t.equal(childText(nothing.root, 'Inclusive_Begin_Timestamp'), formatMicros(feed.now))
  t.equal(childText(nothing.root, 'Inclusive_End_Timestamp'), formatMicros(feed.now))
})

t.test('a collection with pages is answered whole: there are no parts', async (t) => {
  const answer = await ask(poll10('', 'feed_name="secret"'))
  t.strictSame(labelsOf(answer), labels.map(formatMicros))
  t.equal(feed.sets.size, 0)
  t.equal(findAttribute(answer.root, 'more'), undefined)
})

t.test(
  'a data set is polled by the rules of data feeds, which are all that there are',
  async (t) => {
    const begin = `<Q:Exclusive_Begin_Timestamp>${formatMicros(labels[3] ?? 0)}</Q:Exclusive_Begin_Timestamp>`
    const answer = await ask(poll10(begin, 'feed_name="set"'))
    t.strictSame(labelsOf(answer), labels.slice(4).map(formatMicros))
    t.equal(childText(answer.root, 'Inclusive_End_Timestamp'), formatMicros(feed.now))
  },
)

t.test(
  'bindings are chosen, and an unsupported one is refused with a list of the supported',
  async (t) => {
    const content = (id: string) => `<Q:Content_Binding>${id}</Q:Content_Binding>`
    const chosen = await ask(poll10(content('urn:other') + content(stix111)))
    t.strictSame(labelsOf(chosen), [formatMicros(start)])
    const refused = await ask(poll10(content('urn:other')))
    t.equal(status10(refused.root), `UNSUPPORTED_CONTENT ${stix12} ${stix111}`)
  },
)

const refusals: [string, string][] = [
  ['BAD_MESSAGE', `<Q:Discovery_Request xmlns:Q="${namespace10}" message_id="m-1"/>`],
  ['BAD_MESSAGE', `<Q:Discovery_Request xmlns:Q="${namespace10}"/>`],
  ['BAD_MESSAGE', request10('Discovery_Request', 'in_response_to="1"')],
  ['BAD_MESSAGE', request10('Collection_Information_Request')],
  ['BAD_MESSAGE', request10('Poll_Fulfillment', 'feed_name="urls"')],
  ['BAD_MESSAGE', request10('Poll_Request')],
  ['BAD_MESSAGE', poll10('', 'collection_name="urls"')],
  ['BAD_MESSAGE', poll10('<Q:Poll_Parameters/>')],
  ['BAD_MESSAGE', poll10(`<Q:Content_Binding binding_id="${stix12}"/>`)],
  ['BAD_MESSAGE', poll10('<Q:Content_Binding/>')],
  [
    'BAD_MESSAGE',
    poll10('<Q:Inclusive_End_Timestamp>2026-01-01T00:00:00</Q:Inclusive_End_Timestamp>'),
  ],
  [
    'BAD_MESSAGE',
    poll10(
      `<Q:Content_Binding>${stix12}</Q:Content_Binding>` +
        '<Q:Inclusive_End_Timestamp>2026-01-01T00:00:00Z</Q:Inclusive_End_Timestamp>',
    ),
  ],
  [
    'BAD_MESSAGE',
    poll10(
      '<x:Inclusive_End_Timestamp xmlns:x="http://taxii.mitre.org/messages/taxii_xml_binding-1.1">' +
        '2026-01-01T00:00:00Z</x:Inclusive_End_Timestamp>',
    ),
  ],
  ['NOT_FOUND', poll10('', 'feed_name="urls" subscription_id="none"')],
]

for (const [status, body] of refusals) {
  t.test(`${status}: ${body.replace(` xmlns:Q="${namespace10}"`, '')}`, async (t) => {
    const { root } = await ask(body)
    t.equal(root.namespace, namespace10)
    t.equal(status10(root), status)
    t.ok(childText(root, 'Message'))
  })
}

const headerCases: [string, Record<string, string | undefined>, string][] = [
  ['X-TAXII-Content-Type of TAXII 1.1', { 'X-TAXII-Content-Type': binding11 }, 'BAD_MESSAGE'],
  ['no X-TAXII-Content-Type', { 'X-TAXII-Content-Type': undefined }, 'BAD_MESSAGE'],
  [
    'X-TAXII-Services of TAXII 1.1',
    { 'X-TAXII-Services': taxiiHeaders['X-TAXII-Services'] },
    'FAILURE',
  ],
  ['no X-TAXII-Services', { 'X-TAXII-Services': undefined }, 'Poll_Response'],
  ['X-TAXII-Accept of TAXII 1.1 alone', { 'X-TAXII-Accept': binding11 }, 'FAILURE'],
  ['X-TAXII-Accept of both', { 'X-TAXII-Accept': `${binding11} ${binding10}` }, 'Poll_Response'],
  [
    'the protocol of another transport',
    { 'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:https:1.0' },
    'FAILURE',
  ],
  ['Accept: text/html', { Accept: 'text/html' }, `UNSUPPORTED_MESSAGE ${binding11} ${binding10}`],
]

for (const [name, headers, status] of headerCases) {
  t.test(`${name}: ${status.split(' ')[0]}`, async (t) => {
    const { root } = await ask(poll10(), headers)
    t.equal(root.namespace, namespace10)
    t.equal(status10(root), status)
    t.equal(findAttribute(root, 'in_response_to'), '0042')
  })
}

t.test('headers of TAXII 1.0 around a message of 1.1 are refused in TAXII 1.1', async (t) => {
  const { root, headers } = await server.post(pollRequest(), { headers: headers10 })
  t.equal(root.namespace, 'http://taxii.mitre.org/messages/taxii_xml_binding-1.1')
  t.equal(status10(root), 'BAD_MESSAGE')
  t.equal(headers.get('x-taxii-content-type'), binding11)
})

t.test('headers of TAXII 1.1 around a message of 1.0 are refused in TAXII 1.0', async (t) => {
  const { root, headers } = await server.post(poll10())
  t.equal(root.namespace, namespace10)
  t.equal(status10(root), 'BAD_MESSAGE')
  t.equal(headers.get('x-taxii-content-type'), binding10)
})

t.test('who is not known is told so in TAXII 1.0', async (t) => {
  const { root, status } = await ask(poll10(), { Authorization: undefined })
  t.equal(status, 401)
  t.equal(root.namespace, namespace10)
  t.equal(status10(root), 'UNAUTHORIZED')
})

t.test('every answer was valid by the schema of its version', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
