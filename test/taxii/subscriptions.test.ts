import t from 'tap'
import { findAttribute } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection, otherReader, second, start } from './memory-feed.ts'
import {
  type Answer,
  basic,
  child,
  childText,
  countOnly,
  fulfillment,
  labelsOf,
  password,
  pollRequest,
  request,
  startServer,
  statusOf,
} from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'
const server = await startServer(t)
const { feed } = server
feed.collections.push(
  collection(),
  collection({ id: 2, name: 'paged', pageSize: 2 }),
  collection({ id: 3, name: 'secret' }),
)
feed.hidden.add('secret')
feed.publish(1, stix12, start + second, start + 2 * second)
feed.publish(1, stix111, start + second)
feed.publish(2, stix12, ...[1, 2, 3].map((n) => start + n * second))

const asOther = { headers: { Authorization: basic(otherReader.name, password) } }
const idElement = (id: string) => `<t:Subscription_ID>${id}</t:Subscription_ID>`
const parameters = (...inner: string[]) =>
  `<t:Subscription_Parameters>${inner.join('')}</t:Subscription_Parameters>`
const binding = (id: string, inner = '') =>
  `<t:Content_Binding binding_id="${id}">${inner}</t:Content_Binding>`
const counting = '<t:Response_Type>COUNT_ONLY</t:Response_Type>'
const push =
  '<t:Push_Parameters><t:Protocol_Binding>p</t:Protocol_Binding><t:Address>a</t:Address>' +
  '<t:Message_Binding>m</t:Message_Binding></t:Push_Parameters>'
const query = '<t:Query format_id="urn:taxii.mitre.org:query:default:1.0"><x/></t:Query>'

function manage(action: string, children = '', collectionName = 'urls'): string {
  return request(
    'Subscription_Management_Request',
    `collection_name="${collectionName}" action="${action}"`,
    children,
  )
}

interface Told {
  readonly id: string | undefined
  readonly status: string | undefined
  readonly terms: readonly (string | undefined)[]
  readonly polledAt: string | undefined
}

function subscriptionsOf({ root, body }: Answer): Told[] {
  if (root.name !== 'Subscription_Management_Response') throw new Error(body)
  return root.children
    .filter((one) => one.name === 'Subscription')
    .map((one) => {
      const terms = child(one, 'Subscription_Parameters')
      const instance = child(one, 'Poll_Instance')
      return {
        id: childText(one, 'Subscription_ID'),
        status: findAttribute(one, 'status'),
        terms: (terms?.children ?? []).map(
          (term) => findAttribute(term, 'binding_id') ?? term.text,
        ),
        polledAt: instance && childText(instance, 'Address'),
      }
    })
}

async function subscribe(children = '', collectionName = 'urls', options = {}): Promise<string> {
  const [made] = subscriptionsOf(
    await server.post(manage('SUBSCRIBE', children, collectionName), options),
  )
  return made?.id ?? ''
}

t.beforeEach(() => {
  feed.subscriptions = []
})

t.test('a subscription is made, paused, resumed, ended, and told of at every step', async (t) => {
  const answer = await server.post(manage('SUBSCRIBE', parameters(counting, binding(stix111))))
  t.equal(findAttribute(answer.root, 'collection_name'), 'urls')
  t.equal(findAttribute(answer.root, 'in_response_to'), 'm-1')
  const [made] = subscriptionsOf(answer)
  const { id = '' } = made ?? {}
  const told = { id, terms: ['COUNT_ONLY', stix111], polledAt: `${server.url}/taxii/poll` }
  t.strictSame(made, { ...told, status: 'ACTIVE' })
  for (const [action, status] of [
    ['PAUSE', 'PAUSED'],
    ['PAUSE', 'PAUSED'],
    ['STATUS', 'PAUSED'],
    ['RESUME', 'ACTIVE'],
    ['RESUME', 'ACTIVE'],
    ['STATUS', 'ACTIVE'],
  ] as const) {
    const changed = subscriptionsOf(await server.post(manage(action, idElement(id))))
    t.strictSame(changed, [{ ...told, status }], action)
  }
  for (const action of ['UNSUBSCRIBE', 'STATUS', 'UNSUBSCRIBE']) {
    const ended = subscriptionsOf(await server.post(manage(action, idElement(id))))
    t.strictSame(ended, [{ ...told, status: 'UNSUBSCRIBED', polledAt: undefined }], action)
  }
  for (const action of ['PAUSE', 'RESUME']) {
    const answer = await server.post(manage(action, idElement(id)))
    t.equal(statusOf(answer), `NOT_FOUND ITEM=${id}`)
    t.match(answer.body, 'was ended: subscribe again')
  }
})

t.test('STATUS without an id tells of all that one has to the collection, ended too', async (t) => {
  t.strictSame(subscriptionsOf(await server.post(manage('STATUS'))), [])
  const all = await subscribe()
  const counts = await subscribe(parameters(counting))
  await subscribe('', 'paged')
  await subscribe('', 'urls', asOther)
  await server.post(manage('UNSUBSCRIBE', idElement(all)))
  const told = subscriptionsOf(await server.post(manage('STATUS')))
  t.strictSame(
    told.map(({ id, status }) => [id, status]),
    [
      [all, 'UNSUBSCRIBED'],
      [counts, 'ACTIVE'],
    ],
  )
})

t.test('the same asked for twice is one subscription, until it is ended', async (t) => {
  const both = parameters(binding(stix12), binding(stix111))
  const turned = parameters(
    '<t:Response_Type>FULL</t:Response_Type>',
    binding(stix111),
    binding('urn:unknown'),
    binding(stix12),
    binding(stix12),
  )
  const id = await subscribe(both)
  t.equal(await subscribe(turned), id)
  t.not(await subscribe(), id, 'any binding is another wish than all that there are now')
  t.not(await subscribe(both, 'paged'), id)
  t.not(await subscribe(both, 'urls', asOther), id)
  t.not(await subscribe(parameters(counting, binding(stix12), binding(stix111))), id)
  // Its Subscription_ID is ignored with SUBSCRIBE.
  t.equal(await subscribe(idElement('urn:mine') + both), id)
  await server.post(manage('PAUSE', idElement(id)))
  const [again] = subscriptionsOf(await server.post(manage('SUBSCRIBE', both)))
  t.match(again, { id, status: 'PAUSED' })
  await server.post(manage('UNSUBSCRIBE', idElement(id)))
  t.not(await subscribe(both), id)
})

t.test('a subscription without parameters is to every block of any binding', async (t) => {
  for (const children of ['', parameters(), parameters('<t:Response_Type/>')]) {
    const [made] = subscriptionsOf(await server.post(manage('SUBSCRIBE', children)))
    t.strictSame(made?.terms, ['FULL'])
  }
  t.equal(feed.subscriptions.length, 1)
})

t.test('a poll by subscription is answered as it says, and names it', async (t) => {
  const counts = await subscribe(parameters(counting))
  const counted = await server.post(pollRequest(idElement(counts)))
  t.equal(childText(counted.root, 'Subscription_ID'), counts)
  t.equal(childText(counted.root, 'Record_Count'), '2')
  t.strictSame(labelsOf(counted), [])

  const old = await subscribe(parameters(binding(stix111)))
  for (const action of ['STATUS', 'PAUSE']) {
    await server.post(manage(action, idElement(old)))
    const answer = await server.post(pollRequest(idElement(old)))
    t.equal(labelsOf(answer).length, 1, `after ${action}`)
    const block = child(answer.root, 'Content_Block')
    const bound = block && child(block, 'Content_Binding')
    t.equal(bound && findAttribute(bound, 'binding_id'), stix111)
  }
  const window =
    '<t:Exclusive_Begin_Timestamp>2026-01-01T00:00:01Z</t:Exclusive_Begin_Timestamp>' +
    '<t:Inclusive_End_Timestamp>2026-01-01T00:00:02Z</t:Inclusive_End_Timestamp>'
  const all = await subscribe()
  t.equal(labelsOf(await server.post(pollRequest(window + idElement(all)))).length, 1)
})

t.test('every part of a poll by subscription names it', async (t) => {
  const id = await subscribe('', 'paged')
  const first = await server.post(pollRequest(idElement(id), 'paged'))
  const resultId = findAttribute(first.root, 'result_id') ?? ''
  const last = await server.post(fulfillment(resultId, 2, 'paged'))
  const plain = await server.post(pollRequest(undefined, 'paged'))
  t.strictSame(
    [first, last, plain].map(({ root }) => childText(root, 'Subscription_ID')),
    [id, id, undefined],
  )
  t.equal(labelsOf(last).length, 1)
})

t.test(
  'a poll by a subscription that is not its own, ended or of another is NOT_FOUND',
  async (t) => {
    const mine = await subscribe()
    const theirs = await subscribe(parameters(counting), 'urls', asOther)
    const ended = await subscribe(parameters(counting))
    await server.post(manage('UNSUBSCRIBE', idElement(ended)))
    for (const id of [theirs, ended, 'urn:absent', '']) {
      const answer = await server.post(pollRequest(idElement(id)))
      t.equal(statusOf(answer), `NOT_FOUND ITEM=${id}`)
      const says = id === ended ? 'was ended: subscribe again' : 'there is no subscription'
      t.match(answer.body, says, id)
    }
    const byOther = await server.post(pollRequest(idElement(ended)), asOther)
    t.match(byOther.body, 'there is no subscription', 'nobody else is told that it was one')
    const elsewhere = await server.post(pollRequest(idElement(mine), 'paged'))
    t.equal(statusOf(elsewhere), `NOT_FOUND ITEM=${mine}`)
  },
)

t.test('nobody learns of or changes a subscription of somebody else', async (t) => {
  const mine = await subscribe()
  for (const action of ['PAUSE', 'RESUME', 'STATUS']) {
    const answer = await server.post(manage(action, idElement(mine)), asOther)
    t.equal(statusOf(answer), `NOT_FOUND ITEM=${mine}`)
  }
  const absent = await server.post(manage('UNSUBSCRIBE', idElement('urn:absent')), asOther)
  const foreign = await server.post(manage('UNSUBSCRIBE', idElement(mine)), asOther)
  const withoutIds = ({ body }: Answer, id: string) =>
    body.replaceAll(id, 'ID').replace(/message_id="[^"]*"/, '')
  t.equal(withoutIds(foreign, mine), withoutIds(absent, 'urn:absent'))
  const [told] = subscriptionsOf(absent)
  t.match(told, { id: 'urn:absent', status: 'UNSUBSCRIBED', terms: [] })
  t.equal(feed.subscriptions[0]?.status, 'ACTIVE')
})

t.test(
  'of a collection that has lost the bindings, a subscription is refused by them',
  async (t) => {
    const id = await subscribe(parameters(binding(stix111)))
    const urls = feed.collections[0]
    feed.collections[0] = collection({ bindings: [stix12] })
    const answer = await server.post(pollRequest(idElement(id)))
    if (urls) feed.collections[0] = urls
    t.equal(statusOf(answer), `UNSUPPORTED_CONTENT SUPPORTED_CONTENT=${stix12}`)
  },
)

const supported = `UNSUPPORTED_CONTENT SUPPORTED_CONTENT=${stix12} SUPPORTED_CONTENT=${stix111}`
const refused: [what: string, message: string, status: string][] = [
  ['an unknown collection', manage('SUBSCRIBE', '', 'absent'), 'NOT_FOUND ITEM=absent'],
  [
    'an unknown collection comes before an unknown subscription',
    manage('UNSUBSCRIBE', idElement('x'), 'absent'),
    'NOT_FOUND ITEM=absent',
  ],
  ['an unknown binding', manage('SUBSCRIBE', parameters(binding('urn:oasis:cap'))), supported],
  [
    'a subtype',
    manage('SUBSCRIBE', parameters(binding(stix12, '<t:Subtype subtype_id="x"/>'))),
    supported,
  ],
  ['a query', manage('SUBSCRIBE', parameters(query)), 'UNSUPPORTED_QUERY'],
  ['an address to push to', manage('SUBSCRIBE', parameters() + push), 'UNSUPPORTED_PROTOCOL'],
  [
    'an unknown binding comes before an address to push to',
    manage('SUBSCRIBE', parameters(binding('urn:oasis:cap')) + push),
    supported,
  ],
  ['an unknown action', manage('DELETE'), 'BAD_MESSAGE'],
  ['no action', manage('').replace('action=""', ''), 'BAD_MESSAGE'],
  ['no collection', manage('STATUS').replace('collection_name="urls"', ''), 'BAD_MESSAGE'],
  ['UNSUBSCRIBE without an id', manage('UNSUBSCRIBE'), 'BAD_MESSAGE'],
  ['PAUSE without an id', manage('PAUSE'), 'BAD_MESSAGE'],
  ['RESUME with an empty id', manage('RESUME', idElement(' ')), 'BAD_MESSAGE'],
  ['STATUS with parameters', manage('STATUS', parameters()), 'BAD_MESSAGE'],
  ['PAUSE with an address to push to', manage('PAUSE', idElement('x') + push), 'BAD_MESSAGE'],
  ['parameters before the id', manage('SUBSCRIBE', parameters() + idElement('x')), 'BAD_MESSAGE'],
  ['parameters twice', manage('SUBSCRIBE', parameters() + parameters()), 'BAD_MESSAGE'],
  [
    'an unknown Response_Type',
    manage('SUBSCRIBE', parameters('<t:Response_Type>ALL</t:Response_Type>')),
    'BAD_MESSAGE',
  ],
  [
    'an unknown id of STATUS',
    manage('STATUS', idElement('urn:absent')),
    'NOT_FOUND ITEM=urn:absent',
  ],
]

for (const [what, message, status] of refused) {
  t.test(`${what} is answered by ${status.split(' ')[0]}, and nothing is subscribed`, async (t) => {
    const answer = await server.post(message)
    t.equal(statusOf(answer), status)
    t.equal(answer.status, 200)
    t.equal(findAttribute(answer.root, 'in_response_to'), 'm-1')
    t.strictSame(feed.subscriptions, [])
  })
}

t.test('who may not read a collection cannot subscribe to it', async (t) => {
  const hidden = await server.post(manage('SUBSCRIBE', '', 'secret'), asOther)
  t.equal(statusOf(hidden), 'NOT_FOUND ITEM=secret')
  t.match(await subscribe('', 'secret'), /./)
  t.equal(statusOf(await server.post(pollRequest(countOnly, 'secret'))), 'Poll_Response')
})

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
