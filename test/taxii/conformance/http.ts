import { findAttribute } from '../../../src/xml/read.ts'
import { noteSecret } from '../../helpers/secrets.ts'
import { basic, child, childText, pollRequest, request, statusOf, taxiiHeaders } from '../server.ts'
import { type Check, check } from './check.ts'

const xml11 = 'urn:taxii.mitre.org:message:xml:1.1'
const discovery = request('Discovery_Request')

export const httpChecks: readonly Check[] = [
  check('an unknown path is an HTTP 404', async (t, { url }) => {
    const response = await fetch(`${url}/taxii/nothing`, {
      method: 'POST',
      headers: taxiiHeaders,
      body: discovery,
    })
    t.equal(response.status, 404)
    await response.body?.cancel()
  }),

  check('GET is an HTTP 405 with a BAD_MESSAGE', async (t, { url, answers }) => {
    const response = await fetch(`${url}/taxii/poll`)
    t.equal(response.status, 405)
    t.equal(response.headers.get('allow'), 'POST, OPTIONS')
    const text = await response.text()
    t.match(text, /<taxii_11:Status_Message [^>]*status_type="BAD_MESSAGE"/)
    answers.push(text)
  }),

  check('Accept without XML is an HTTP 406', async (t, world) => {
    const answer = await world.post(discovery, { headers: { Accept: 'application/json' } })
    t.equal(answer.status, 406)
    t.match(statusOf(answer), `UNSUPPORTED_MESSAGE SUPPORTED_BINDING=${xml11}`)
  }),

  check('X-TAXII-Content-Type that is missing or unknown is a BAD_MESSAGE', async (t, world) => {
    for (const type of [undefined, '', 'urn:taxii.mitre.org:message:json:1.1', 'nonsense']) {
      const answer = await world.post(discovery, { headers: { 'X-TAXII-Content-Type': type } })
      t.equal(statusOf(answer), 'BAD_MESSAGE', type ?? 'missing')
      t.equal(findAttribute(answer.root, 'in_response_to'), 'm-1')
    }
  }),

  check('an unknown X-TAXII-Services is a FAILURE that names the message', async (t, world) => {
    const headers = { 'X-TAXII-Services': 'urn:taxii.mitre.org:services:9.9' }
    const answer = await world.post(discovery, { headers })
    t.equal(answer.status, 200)
    t.equal(statusOf(answer), 'FAILURE')
    t.equal(findAttribute(answer.root, 'in_response_to'), 'm-1')
  }),

  check('Accept and X-TAXII-Accept may be missing', async (t, world) => {
    const headers = { Accept: undefined, 'X-TAXII-Accept': undefined }
    t.equal(statusOf(await world.post(discovery, { headers })), 'Discovery_Response')
  }),

  check('an unknown X-TAXII-Accept or X-TAXII-Protocol is a FAILURE', async (t, world) => {
    for (const name of ['X-TAXII-Accept', 'X-TAXII-Protocol']) {
      const answer = await world.post(discovery, { headers: { [name]: 'urn:example:nothing' } })
      t.equal(statusOf(answer), 'FAILURE', name)
      t.equal(answer.status, 200)
    }
  }),

  check('X-TAXII-Accept is a list of preferences', async (t, world) => {
    const headers = { 'X-TAXII-Accept': `urn:example:nothing ${xml11}` }
    t.equal(statusOf(await world.post(discovery, { headers })), 'Discovery_Response')
  }),

  check('the protocol of another transport is a FAILURE', async (t, world) => {
    const headers = { 'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:https:1.0' }
    t.equal(statusOf(await world.post(discovery, { headers })), 'FAILURE')
  }),

  check('answers carry the headers of their transport and version', async (t, world) => {
    const seen = async (body: string, options = {}) => {
      const { headers } = await world.post(body, options)
      t.equal(headers.get('content-type'), 'application/xml')
      t.equal(headers.get('x-taxii-content-type'), xml11)
      t.equal(headers.get('x-taxii-services'), 'urn:taxii.mitre.org:services:1.1')
      t.equal(headers.get('x-taxii-protocol'), 'urn:taxii.mitre.org:protocol:http:1.0')
      t.notOk(headers.has('x-taxii-accept'))
    }
    await seen(discovery)
    await seen(pollRequest(undefined, 'indicators'))
    await seen('not XML')
    await seen(discovery, { as: 'nobody' })
    await seen(discovery, { headers: { Accept: 'text/html' } })
  }),

  check('OPTIONS is an HTTP 200 that lists the message bindings', async (t, { url }) => {
    const response = await fetch(`${url}/taxii/discovery`, { method: 'OPTIONS' })
    t.equal(response.status, 200)
    t.match(response.headers.get('x-taxii-content-types')?.split(/[\s,]+/), [xml11])
    t.match(response.headers.get('x-taxii-services')?.split(/[\s,]+/), [
      'urn:taxii.mitre.org:services:1.1',
    ])
    t.equal(response.headers.get('x-taxii-protocol'), 'urn:taxii.mitre.org:protocol:http:1.0')
    await response.body?.cancel()
  }),

  check('without credentials a request is UNAUTHORIZED', async (t, world) => {
    const answer = await world.post(discovery, { as: 'nobody' })
    t.equal(statusOf(answer), 'UNAUTHORIZED')
    t.equal(answer.status, 401)
    t.ok(answer.headers.get('www-authenticate'))
  }),

  check('a wrong name or password is UNAUTHORIZED', async (t, world) => {
    for (const Authorization of [
      basic('esa', 'a wrong one'),
      basic('no one', 'at all'),
      'Basic !',
    ]) {
      const answer = await world.post(discovery, { headers: { Authorization } })
      t.equal(statusOf(answer), 'UNAUTHORIZED')
    }
  }),

  check('the token endpoint answers 200, 400 and 401', async (t, world) => {
    const ask = (body: string) =>
      fetch(`${world.url}/management/auth`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      })
    const login = { username: 'esa', password: world.passwordOf('esa') }
    const right = await ask(JSON.stringify(login))
    t.equal(right.status, 200)
    const { token } = (await right.json()) as { token: string }
    const headers = { Authorization: `Bearer ${noteSecret(token, 'JWT')}` }
    t.equal(statusOf(await world.post(discovery, { headers })), 'Discovery_Response')
    for (const body of ['{', '{}', '[]', JSON.stringify({ username: 'esa' })]) {
      t.equal((await ask(body)).status, 400, body)
    }
    t.equal((await ask(JSON.stringify({ ...login, password: 'a wrong one' }))).status, 401)
    const refused = await world.post(discovery, { headers: { Authorization: 'Bearer nonsense' } })
    t.equal(statusOf(refused), 'UNAUTHORIZED')
    t.equal(refused.status, 200, 'where cabby asks for a new token')
  }),

  check('every path answers every message', async (t, world) => {
    const messages: readonly [string, string][] = [
      [discovery, 'Discovery_Response'],
      [request('Collection_Information_Request'), 'Collection_Information_Response'],
      [pollRequest(undefined, 'empty'), 'Poll_Response'],
      [
        request('Poll_Fulfillment', 'collection_name="empty" result_id="a" result_part_number="1"'),
        'ASYNCHRONOUS_POLL_ERROR',
      ],
      [
        request('Subscription_Management_Request', 'collection_name="empty" action="STATUS"'),
        'Subscription_Management_Response',
      ],
      [request('Inbox_Message'), 'DESTINATION_COLLECTION_ERROR'],
      [request('Status_Message', 'in_response_to="1" status_type="SUCCESS"'), 'BAD_MESSAGE'],
    ]
    for (const path of ['discovery', 'collections', 'poll', 'inbox', 'subscriptions']) {
      for (const [message, outcome] of messages) {
        const answer = await world.post(message, { as: 'sensor', path: `/taxii/${path}` })
        t.equal(statusOf(answer).split(' ')[0], outcome, path)
        t.equal(findAttribute(answer.root, 'in_response_to'), 'm-1')
      }
    }
  }),

  check('discovery lists one instance of each type of service', async (t, world) => {
    const { root } = await world.post(discovery, { as: 'sensor', path: '/taxii/discovery' })
    const types = root.children.map((one) => findAttribute(one, 'service_type'))
    t.strictSame(types.toSorted(), ['COLLECTION_MANAGEMENT', 'DISCOVERY', 'INBOX', 'POLL'])
    for (const instance of root.children) {
      t.equal(findAttribute(instance, 'available'), 'true')
      t.match(childText(instance, 'Address'), `${world.url}/taxii/`)
      t.equal(childText(instance, 'Message_Binding'), xml11, 'which MineMeld looks at alone')
      const inbox = findAttribute(instance, 'service_type') === 'INBOX'
      t.equal(child(instance, 'Content_Binding') !== undefined, inbox)
    }
  }),

  check('a collection tells its type, its bindings and its services', async (t, world) => {
    const information = request('Collection_Information_Request')
    const { root } = await world.post(information, { as: 'sensor' })
    const named = (name: string) =>
      root.children.find((one) => findAttribute(one, 'collection_name') === name)
    const services = (name: string) =>
      (named(name)?.children ?? []).map((one) => one.name).filter((one) => one.endsWith('_Service'))
    t.equal(findAttribute(named('indicators') ?? root, 'collection_type'), 'DATA_FEED')
    t.equal(findAttribute(named('set') ?? root, 'collection_type'), 'DATA_SET')
    t.equal(named('hidden'), undefined)
    t.strictSame(services('set'), ['Polling_Service', 'Subscription_Service'])
    t.strictSame(services('inbox'), [
      'Polling_Service',
      'Subscription_Service',
      'Receiving_Inbox_Service',
    ])
    t.strictSame(services('drop-box'), ['Receiving_Inbox_Service'])
    t.strictSame(services('others-inbox'), ['Polling_Service', 'Subscription_Service'])
  }),

  check(
    'a request asks the store a few times, however many collections there are',
    async (t, world) => {
      const messages = [
        [discovery, 'Discovery_Response'],
        [request('Collection_Information_Request'), 'Collection_Information_Response'],
        [pollRequest(undefined, 'empty'), 'Poll_Response'],
      ] as const
      for (const [message, outcome] of messages) {
        const counts: number[] = []
        for (let turn = 0; turn < 5; turn += 1) {
          const before = world.queries()
          t.equal(statusOf(await world.post(message)), outcome)
          counts.push(world.queries() - before)
        }
        // The service's own loops ask now and then.
        t.ok(Math.min(...counts) <= 10, `${outcome}: ${counts}`)
      }
    },
  ),
]
