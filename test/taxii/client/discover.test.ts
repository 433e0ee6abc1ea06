import t, { type Test } from 'tap'
import { findAttribute } from '../../../src/xml/read.ts'
import { type Asked, noon, pollOnce } from './polling.ts'
import {
  contentBlock,
  domainPackage,
  type Met,
  pollResponse,
  send,
  startRogueServer,
  taxii,
} from './rogue-server.ts'

const xml11 = 'urn:taxii.mitre.org:message:xml:1.1'

interface Advertised {
  readonly services?: readonly string[]
  /** `{origin}` stands for the server's own */
  readonly address?: string
  readonly type?: string
  readonly binding?: string
  readonly polling?: boolean
  readonly collections?: readonly string[]
  readonly contentBindings?: string
}

function discoveryAnswer(met: Met, advertised: Advertised): string {
  const { root, headers } = met
  const address = (path: string) =>
    (advertised.address ?? '{origin}').replace('{origin}', `http://${headers.host}`) + path
  const contact = (path: string) =>
    '<Protocol_Binding>urn:taxii.mitre.org:protocol:http:1.0</Protocol_Binding>' +
    `<Address>${address(path)}</Address><Message_Binding>${advertised.binding ?? xml11}</Message_Binding>`
  const answer = (name: string, inside: string) =>
    `<${name} xmlns="${taxii}" message_id="1" in_response_to="${findAttribute(root, 'message_id')}">${inside}</${name}>`
  if (root.name === 'Discovery_Request') {
    const { services = ['COLLECTION_MANAGEMENT', 'POLL'] } = advertised
    const instances = services.map(
      (type, index) =>
        `<Service_Instance service_type="${type}" service_version="urn:taxii.mitre.org:services:1.1" available="true">${contact(`/${type}/${index}`)}</Service_Instance>`,
    )
    return answer('Discovery_Response', instances.join(''))
  }
  const { collections = ['b', 'c'], type = 'DATA_FEED', polling = true } = advertised
  return answer(
    'Collection_Information_Response',
    collections
      .map(
        (name) =>
          `<Collection collection_name="${name}" collection_type="${type}"><Description>x</Description>${advertised.contentBindings ?? ''}` +
          `${polling ? `<Polling_Service>${contact('/poll-here')}</Polling_Service>` : ''}</Collection>`,
      )
      .join(''),
  )
}

async function pollAt(t: Test, advertised: Advertised, asked: Asked = {}) {
  const server = await startRogueServer(t, (met) => {
    const isPoll = met.root.name === 'Poll_Request'
    const blocks = contentBlock(domainPackage('a.example'), noon)
    send(met, isPoll ? pollResponse(met, { blocks }) : discoveryAnswer(met, advertised))
  })
  const polled = await pollOnce(server.url, { as: 'tid', ...asked })
  return { ...polled, asked: server.met.map(({ path, root }) => `${root.name} ${path}`) }
}

t.test(
  'services and collections are asked for, and the advertised address is polled',
  async (t) => {
    for (const as of ['tid', 'minemeld'] as const) {
      const { outcome, asked, rules } = await pollAt(t, {}, { as })
      t.equal(outcome.fault, undefined)
      t.strictSame(rules, [])
      t.strictSame(asked, [
        'Discovery_Request /taxii/poll',
        'Collection_Information_Request /COLLECTION_MANAGEMENT/0',
        'Poll_Request /poll-here',
      ])
    }
  },
)

t.test('cabby takes the one poll service that is advertised, if it is asked to', async (t) => {
  const asked: Asked = { as: 'cabby', discovers: true }
  t.strictSame((await pollAt(t, {}, asked)).asked, [
    'Discovery_Request /taxii/poll',
    'Poll_Request /POLL/1',
  ])
  const { outcome } = await pollAt(t, { services: ['POLL', 'POLL'] }, asked)
  t.match(outcome.fault, { kind: 'not-advertised', message: /2 poll services are advertised/ })
})

const stops: Record<string, [says: RegExp, advertised: Advertised, asked?: Asked]> = {
  'no collection management': [/no COLLECTION_MANAGEMENT service/, { services: ['POLL'] }],
  'nothing at all': [/no COLLECTION_MANAGEMENT service/, { services: [] }],
  'another collection': [/no collection "c"/, { collections: ['b'] }],
  'a collection without a poll service': [/without a poll service/, { polling: false }],
  'a data set, for MineMeld': [/stops here: .*DATA_SET/, { type: 'DATA_SET' }, { as: 'minemeld' }],
  'another message binding, for MineMeld': [
    /stops here: the first message binding/,
    { binding: 'urn:taxii.mitre.org:message:xml:1.0' },
    { as: 'minemeld' },
  ],
  'an address that is none': [/cannot be used: ftp:/, { address: 'ftp://127.0.0.1' }],
}
for (const [name, [says, advertised, asked]] of Object.entries(stops)) {
  t.test(`${name} ends the poll before it begins`, async (t) => {
    const { outcome, asked: sent } = await pollAt(t, advertised, asked)
    t.equal(outcome.fault?.kind, 'not-advertised')
    t.match(outcome.fault?.message, says)
    t.notOk(sent.some((one) => one.startsWith('Poll_Request')))
  })
}

t.test('what other clients stumble over is borne, and warned of', async (t) => {
  const type = await pollAt(t, { type: 'DATA_SET' })
  t.strictSame([type.rules, type.outcome.fault], [['data-set'], undefined])
  const binding = await pollAt(t, { binding: 'x' })
  t.strictSame([binding.rules, binding.outcome.fault], [['message-binding'], undefined])
  const content = '<Content_Binding binding_id="urn:stix.mitre.org:xml:1.2"/>'
  const bindings = ['urn:stix.mitre.org:xml:1.1.1']
  const contents = await pollAt(t, { contentBindings: content }, { bindings })
  t.strictSame(contents.rules, ['content-binding'])
  const relative = await pollAt(t, { address: '' })
  t.strictSame([relative.rules, relative.outcome.fault], [['address'], undefined])
})

t.test('credentials go to no other server than the one that was named', async (t) => {
  const other = await startRogueServer(t, (met) => send(met, pollResponse(met)))
  const elsewhere = { address: other.url.origin }
  const { outcome, rules } = await pollAt(t, elsewhere, { authorization: 'Basic eDp5' })
  t.match(outcome.fault, { kind: 'foreign-address', message: /no credentials are sent/ })
  t.strictSame(rules, ['host'])
  t.equal(other.met.length, 0)
  const secure = { address: '{origin}'.replace('{origin}', 'https://127.0.0.1:1') }
  const scheme = await pollAt(t, secure, { authorization: 'Basic eDp5' })
  t.equal(scheme.outcome.fault?.kind, 'foreign-address')
  t.strictSame(scheme.rules, ['scheme'])
  t.match(scheme.outcome.fault?.advice.join(), /TAXIWAY_PUBLIC_URL/)
})
