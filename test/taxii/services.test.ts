import { request as httpRequest } from 'node:http'
import t from 'tap'
import { findAttribute, type XmlElement } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection, otherReader, reader } from './memory-feed.ts'
import {
  basic,
  child,
  childText,
  password,
  pollRequest,
  request,
  startServer,
  statusOf,
  taxiiHeaders,
} from './server.ts'

const paths = [
  '/taxii/discovery',
  '/taxii/collections',
  '/taxii/poll',
  '/taxii/inbox',
  '/taxii/subscriptions',
  '/services/discovery',
  '/services/collection-management',
  '/services/feed-management',
  '/services/poll',
  '/services/inbox',
  '/taxii-discovery-service',
  '/taxii-data',
  '/taxi/poll',
]
const xmlBinding = 'urn:taxii.mitre.org:message:xml:1.1'
const discovery = request('Discovery_Request')
const information = request('Collection_Information_Request')

const server = await startServer(t)
server.feed.collections.push(
  collection(),
  collection({ id: 2, name: 'secret', bindings: ['urn:stix.mitre.org:xml:1.1.1'] }),
)
server.feed.hidden.add('secret')

t.test('discovery lists one instance for each service, at absolute addresses', async (t) => {
  const { root, status } = await server.post(discovery, { path: '/taxii/discovery' })
  t.equal(status, 200)
  t.equal(root.name, 'Discovery_Response')
  t.equal(findAttribute(root, 'in_response_to'), 'm-1')
  t.strictSame(
    root.children.map((one) => [
      findAttribute(one, 'service_type'),
      findAttribute(one, 'service_version'),
      findAttribute(one, 'available'),
      childText(one, 'Protocol_Binding'),
      childText(one, 'Address'),
      childText(one, 'Message_Binding'),
    ]),
    [
      ['DISCOVERY', 'true', '/taxii/discovery'],
      ['COLLECTION_MANAGEMENT', 'true', '/taxii/collections'],
      ['POLL', 'true', '/taxii/poll'],
      ['INBOX', 'false', '/taxii/inbox'],
    ].map(([type, available, path]) => [
      type,
      'urn:taxii.mitre.org:services:1.1',
      available,
      'urn:taxii.mitre.org:protocol:http:1.0',
      `${server.url}${path}`,
      xmlBinding,
    ]),
  )
})

t.test('the inbox names the content that it takes, and is available to who may send', async (t) => {
  const receiving = await startServer(t)
  receiving.feed.collections.push(
    collection(),
    collection({ id: 2, name: 'ours', inbox: true }),
    collection({ id: 3, name: 'secret', inbox: true }),
  )
  receiving.feed.hidden.add('secret')
  const inboxOf = async (name: string) => {
    const headers = { Authorization: basic(name, password) }
    const { root } = await receiving.post(discovery, { headers })
    const inbox = root.children.find((one) => findAttribute(one, 'service_type') === 'INBOX')
    return inbox && [findAttribute(inbox, 'available'), ...bindingsOf(inbox)]
  }
  const stix = ['1.2', '1.1.1', '1.1', '1.0.1', '1.0'].map((one) => `urn:stix.mitre.org:xml:${one}`)
  t.strictSame(await inboxOf(reader.name), ['true', ...stix])
  t.strictSame(await inboxOf(otherReader.name), ['false', ...stix])
  receiving.feed.writable.add('secret')
  t.strictSame(await inboxOf(otherReader.name), ['true', ...stix])
  server.answers.push(...receiving.answers)
})

t.test('a collection says how it is polled, subscribed to and sent to, and by whom', async (t) => {
  const varied = await startServer(t)
  varied.feed.collections.push(
    collection(),
    collection({ id: 2, name: 'ours', inbox: true, type: 'data-set' }),
    collection({ id: 3, name: 'dropbox', inbox: true }),
  )
  varied.feed.volumes.set(2, 0).set(3, 1_200)
  varied.feed.hidden.add('dropbox')
  varied.feed.writable.add('dropbox')
  const listed = async (name: string) => {
    const headers = { Authorization: basic(name, password) }
    const { root } = await varied.post(information, { headers })
    return root.children.map((one) => {
      const services = one.children.filter(({ name }) => /_Service$/.test(name))
      return [
        findAttribute(one, 'collection_name'),
        findAttribute(one, 'collection_type'),
        childText(one, 'Collection_Volume'),
        ...services.map((service) => `${service.name} ${childText(service, 'Address')}`),
      ]
    })
  }
  const polling = [
    `Polling_Service ${varied.url}/taxii/poll`,
    `Subscription_Service ${varied.url}/taxii/collections`,
  ]
  const receiving = `Receiving_Inbox_Service ${varied.url}/taxii/inbox`
  t.strictSame(await listed(reader.name), [
    ['urls', 'DATA_FEED', undefined, ...polling],
    ['ours', 'DATA_SET', '0', ...polling, receiving],
    ['dropbox', 'DATA_FEED', '1200', ...polling, receiving],
  ])
  t.strictSame(await listed(otherReader.name), [
    ['urls', 'DATA_FEED', undefined, ...polling],
    ['ours', 'DATA_SET', '0', ...polling],
    // How much comes there is for those alone who may read it.
    ['dropbox', 'DATA_FEED', undefined, receiving],
  ])
  server.answers.push(...varied.answers)
})

function bindingsOf({ children }: XmlElement) {
  return children
    .filter((one) => one.name === 'Content_Binding')
    .map((one) => findAttribute(one, 'binding_id'))
}

t.test('collections are data feeds with their bindings and where to poll them', async (t) => {
  const { root } = await server.post(information, { path: '/taxii/collections' })
  t.equal(root.children.length, 2)
  const [urls] = root.children
  if (!urls) throw new Error('there is no collection')
  t.equal(findAttribute(urls, 'collection_name'), 'urls')
  t.equal(findAttribute(urls, 'collection_type'), 'DATA_FEED')
  t.equal(findAttribute(urls, 'available'), 'true')
  t.equal(childText(urls, 'Description'), 'URLs <of> "malware" & phishing')
  t.strictSame(
    urls.children
      .filter((one) => one.name === 'Content_Binding')
      .map((one) => findAttribute(one, 'binding_id')),
    ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'],
  )
  const polling = child(urls, 'Polling_Service')
  t.equal(polling && childText(polling, 'Address'), `${server.url}/taxii/poll`)
  t.equal(polling && childText(polling, 'Message_Binding'), xmlBinding)
})

t.test('a collection that one may not read is not listed and not found', async (t) => {
  const headers = { Authorization: basic(otherReader.name, password) }
  const { root } = await server.post(information, { headers })
  t.strictSame(
    root.children.map((one) => findAttribute(one, 'collection_name')),
    ['urls'],
  )
  const secret = await server.post(pollRequest(undefined, 'secret'), { headers })
  const absent = await server.post(pollRequest(undefined, 'absent'), { headers })
  t.equal(statusOf(secret), 'NOT_FOUND ITEM=secret')
  t.equal(statusOf(absent), 'NOT_FOUND ITEM=absent')
  const readable = await server.post(pollRequest(undefined, 'secret'))
  t.equal(statusOf(readable), 'Poll_Response')
})

t.test('every path answers every message, with and without a slash at the end', async (t) => {
  const fulfillment = request(
    'Poll_Fulfillment',
    'collection_name="urls" result_id="gone" result_part_number="2"',
  )
  const expected: [string, string][] = [
    [discovery, 'Discovery_Response'],
    [information, 'Collection_Information_Response'],
    [pollRequest(), 'Poll_Response'],
    [fulfillment, 'ASYNCHRONOUS_POLL_ERROR'],
    [request('Inbox_Message'), 'FAILURE'],
    [
      request('Subscription_Management_Request', 'collection_name="urls" action="STATUS"'),
      'Subscription_Management_Response',
    ],
  ]
  for (const path of paths.flatMap((one) => [one, `${one}/`])) {
    for (const [message, name] of expected) {
      const answer = await server.post(message, { path })
      t.equal(statusOf(answer), name, path)
      t.equal(findAttribute(answer.root, 'in_response_to'), 'm-1')
    }
  }
})

t.test('every answer carries the headers of the message that it is', async (t) => {
  const bodies = [discovery, information, pollRequest(), pollRequest('', 'absent'), '<broken']
  for (const body of bodies) {
    const { headers } = await server.post(body)
    t.equal(headers.get('content-type'), 'application/xml')
    t.equal(headers.get('x-taxii-content-type'), xmlBinding)
    t.equal(headers.get('x-taxii-services'), 'urn:taxii.mitre.org:services:1.1')
    t.equal(headers.get('x-taxii-protocol'), 'urn:taxii.mitre.org:protocol:http:1.0')
    t.notOk(headers.has('x-taxii-accept'))
  }
})

t.test('an unknown path is a 404', async (t) => {
  const response = await fetch(`${server.url}/taxii/nothing`, {
    method: 'POST',
    body: discovery,
    headers: taxiiHeaders,
  })
  t.equal(response.status, 404)
})

t.test('other methods than POST are refused without asking who is there', async (t) => {
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
    const body = method === 'PUT' ? '{}' : null
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(`${server.url}/taxii/poll`, { method, body, headers })
    t.equal(response.status, 405, method)
    t.equal(response.headers.get('allow'), 'POST, OPTIONS')
    t.equal(response.headers.get('x-taxii-content-type'), xmlBinding)
    const text = await response.text()
    if (method === 'HEAD') continue
    server.answers.push(text)
    t.match(text, /status_type="BAD_MESSAGE"/)
  }
})

t.test('OPTIONS names the bindings without asking who is there', async (t) => {
  for (const path of paths) {
    const response = await fetch(`${server.url}${path}`, { method: 'OPTIONS' })
    t.equal(response.status, 200)
    t.equal(response.headers.get('allow'), 'POST, OPTIONS')
    t.equal(
      response.headers.get('x-taxii-content-types'),
      `${xmlBinding},urn:taxii.mitre.org:message:xml:1.0`,
    )
    t.equal(
      response.headers.get('x-taxii-services'),
      'urn:taxii.mitre.org:services:1.1,urn:taxii.mitre.org:services:1.0',
    )
  }
})

t.test('a public URL decides the addresses and the protocol', async (t) => {
  const behindProxy = await startServer(t, { publicUrl: 'https://feeds.example.org/threat/' })
  behindProxy.feed.collections.push(collection())
  const https = { 'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:https:1.0' }
  const { root, headers } = await behindProxy.post(discovery, { headers: https })
  t.strictSame(
    root.children.map((one) => [childText(one, 'Protocol_Binding'), childText(one, 'Address')]),
    ['discovery', 'collections', 'poll', 'inbox'].map((name) => [
      'urn:taxii.mitre.org:protocol:https:1.0',
      `https://feeds.example.org/threat/taxii/${name}`,
    ]),
  )
  t.equal(headers.get('x-taxii-protocol'), 'urn:taxii.mitre.org:protocol:https:1.0')
  t.equal(statusOf(await behindProxy.post(discovery)), 'FAILURE', 'http is not its scheme')
  server.answers.push(...behindProxy.answers)
})

t.test('a stranger cannot change the advertised addresses by proxy headers', async (t) => {
  const { root } = await server.post(discovery, {
    headers: {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
      Forwarded: 'host=evil.example;proto=https',
    },
  })
  t.ok(root.children.every((one) => childText(one, 'Address')?.startsWith(`${server.url}/taxii/`)))
})

t.test('a client that names no host gets the address that it reached', async (t) => {
  const text = await new Promise<string>((resolve, reject) => {
    const sent = httpRequest(`${server.url}/taxii/discovery`, {
      method: 'POST',
      setHost: false,
      headers: {
        ...taxiiHeaders,
        Authorization: basic('esa1', password),
        Host: '',
        Connection: 'close',
      },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (piece) => {
        body += piece
      })
      response.on('end', () => resolve(body))
    })
    sent.end(discovery)
  })
  t.match(text, `${server.url}/taxii/poll`)
})

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
