import t from 'tap'
import { findAttribute, type XmlElement } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection, otherReader, second, start } from './memory-feed.ts'
import { ask10, binding10, namespace10, poll10, request10, status10 } from './messages10.ts'
import { basic, child, childText, labelsOf, password, request, startServer } from './server.ts'

const server = await startServer(t)
const { feed } = server
feed.collections.push(collection())
feed.publish(1, 'urn:stix.mitre.org:xml:1.2', start + second)

function manage(attributes: string, children = ''): string {
  return request10('Subscription_Management_Request', `feed_name="urls" ${attributes}`, children)
}

const idsOf = (root: XmlElement) =>
  root.children
    .filter((one) => one.name === 'Subscription')
    .map((one) => findAttribute(one, 'subscription_id'))

const subscribe11 = (responseType: string) =>
  request(
    'Subscription_Management_Request',
    'action="SUBSCRIBE" collection_name="urls"',
    `<t:Subscription_Parameters><t:Response_Type>${responseType}</t:Response_Type></t:Subscription_Parameters>`,
  )

t.test('a subscription is made, polled by, listed and ended', async (t) => {
  const { root } = await ask10(server, manage('action="SUBSCRIBE"'))
  t.equal(root.name, 'Subscription_Management_Response')
  t.equal(root.namespace, namespace10)
  t.equal(findAttribute(root, 'feed_name'), 'urls')
  const [id] = idsOf(root)
  const [made] = root.children
  const instance = made && child(made, 'Poll_Instance')
  t.equal(instance && childText(instance, 'Address'), `${server.url}/taxii/poll`)
  t.equal(instance && childText(instance, 'Message_Binding'), binding10)

  const again = await ask10(server, manage('action="SUBSCRIBE"'))
  t.strictSame(idsOf(again.root), [id], 'the same asked for twice is the same')

  const polled = await ask10(server, poll10('', `feed_name="urls" subscription_id="${id}"`))
  t.equal(findAttribute(polled.root, 'subscription_id'), id)
  t.equal(labelsOf(polled).length, 1)

  const listed = await ask10(server, manage('action="STATUS" subscription_id="is ignored"'))
  t.strictSame(idsOf(listed.root), [id])
  const others = await ask10(server, manage('action="STATUS"'), {
    Authorization: basic(otherReader.name, password),
  })
  t.strictSame(idsOf(others.root), [])

  const ended = await ask10(server, manage(`action="UNSUBSCRIBE" subscription_id="${id}"`))
  t.strictSame(idsOf(ended.root), [id])
  t.notMatch(ended.body, 'Poll_Instance')
  const gone = await ask10(server, poll10('', `feed_name="urls" subscription_id="${id}"`))
  t.equal(status10(gone.root), 'NOT_FOUND')
  const left = await ask10(server, manage('action="STATUS"'))
  t.strictSame(idsOf(left.root), [], 'TAXII 1.0 could not say that it has ended')
})

t.test('ending a subscription that never was succeeds', async (t) => {
  const { root } = await ask10(server, manage('action="UNSUBSCRIBE" subscription_id="none"'))
  t.strictSame(idsOf(root), ['none'])
})

t.test(
  'a subscription that counts only is refused rather than answered without its blocks',
  async (t) => {
    const { root } = await server.post(subscribe11('COUNT_ONLY'))
    const id = childText(child(root, 'Subscription') ?? root, 'Subscription_ID')
    const polled = await ask10(server, poll10('', `feed_name="urls" subscription_id="${id}"`))
    t.equal(status10(polled.root), 'FAILURE')
    t.match(childText(polled.root, 'Message'), 'COUNT_ONLY')
  },
)

const push =
  '<Q:Push_Parameters><Q:Protocol_Binding>urn:taxii.mitre.org:protocol:http:1.0</Q:Protocol_Binding>' +
  '<Q:Address>http://inbox.example/</Q:Address>' +
  `<Q:Message_Binding>${binding10}</Q:Message_Binding>` +
  '<Q:Content_Binding>urn:stix.mitre.org:xml:1.2</Q:Content_Binding></Q:Push_Parameters>'

const refusals: [string, string, string][] = [
  ['a push', manage('action="SUBSCRIBE"', push), 'UNSUPPORTED_PROTOCOL'],
  ['PAUSE, which is of TAXII 1.1', manage('action="PAUSE" subscription_id="x"'), 'BAD_MESSAGE'],
  ['UNSUBSCRIBE without an id', manage('action="UNSUBSCRIBE"'), 'BAD_MESSAGE'],
  ['no action', manage(''), 'BAD_MESSAGE'],
  [
    'parameters of TAXII 1.1',
    manage('action="SUBSCRIBE"', '<Q:Subscription_Parameters/>'),
    'BAD_MESSAGE',
  ],
  [
    'Push_Parameters without an address',
    manage('action="SUBSCRIBE"', push.replace(/<Q:Address>.*<.Q:Address>/, '')),
    'BAD_MESSAGE',
  ],
  ['an unknown feed', manage('action="STATUS"').replace('"urls"', '"absent"'), 'NOT_FOUND'],
]

for (const [name, body, status] of refusals) {
  t.test(`${name}: ${status}`, async (t) => {
    const { root } = await ask10(server, body)
    t.equal(root.namespace, namespace10)
    t.equal(status10(root).split(' ')[0], status)
  })
}

t.test('every answer was valid by the schema of its version', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
