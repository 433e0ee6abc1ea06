import { noteSecret, secret } from './helpers/secrets.ts'
import type { Caller, Row } from './permission-rows.ts'
import { fulfillment, pollRequest, request as taxiiMessage } from './taxii/server.ts'

export interface Asked {
  readonly path: string
  /** JSON, or a TAXII message */
  readonly body?: object | string
}

/** What the rows are asked of. */
export interface World {
  /** Asks as the machine's own administrator, and fails unless it is done. */
  prepare(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** a name that was not used before */
  newName(): string
  /** an account's own; of callers without one, that of another */
  nameOf(caller: Caller): string
  passwordOf(caller: Caller): string
  /** the id of a result set of the collection `own` that is this account's */
  resultSetOf(caller: Caller | 'somebody'): string
  /** the id of a subscription of this account to the collection `own` */
  subscriptionOf(caller: Caller | 'somebody'): string
}

type Ask = (world: World, caller: Caller) => Promise<Asked> | Asked

const settings = (change: object = {}) => ({
  description: 'Of the table.',
  rule: { type: 'domain' },
  maxTlp: 'green',
  pageSize: 1,
  inbox: true,
  ...change,
})
const named = (...names: readonly string[]) => names.map((name) => settings({ name }))

export const collections = named('own', 'readable', 'writable', 'other')

/** A part of the path that has to be there first, by what it is called in the route. */
const target = '/api/v1/accounts/target'

async function putOwn(world: World, change: object): Promise<Asked> {
  // As it was: administrators have changed it for the row before.
  await world.prepare('PUT', '/api/v1/collections/own', settings())
  return { path: '/api/v1/collections/own', body: settings(change) }
}

const management: Ask = (world, caller) => ({
  path: '/management/auth',
  body: { username: world.nameOf(caller), password: world.passwordOf(caller) },
})

const asks: Readonly<Record<string, Ask>> = {
  'GET /docs/static/*': () => ({ path: '/docs/static/swagger-ui.css' }),
  'POST /management/auth, of its own name and password': management,
  'POST /management/auth/, of its own name and password': async (world, caller) => ({
    ...(await management(world, caller)),
    path: '/management/auth/',
  }),
  'POST /api/v1/accounts': (world) => ({
    path: '/api/v1/accounts',
    body: { name: world.newName(), passwordless: true },
  }),
  'GET /api/v1/accounts/:name, its own': (world, caller) => ({
    path: `/api/v1/accounts/${world.nameOf(caller)}`,
  }),
  'PATCH /api/v1/accounts/:name': () => ({ path: target, body: { clientAgeOutDays: 7 } }),
  'PATCH /api/v1/accounts/:name, to administrator': () => ({
    path: target,
    body: { role: 'administrator' },
  }),
  'PUT /api/v1/accounts/:name/password': () => ({
    path: `${target}/password`,
    body: { password: secret('password of target') },
  }),
  'PUT /api/v1/accounts/:name/grants/:collection, own': () => ({
    path: `${target}/grants/own`,
    body: { read: true, write: false },
  }),
  'PUT /api/v1/accounts/:name/grants/:collection, other': () => ({
    path: `${target}/grants/other`,
    body: { read: true, write: false },
  }),
  'DELETE /api/v1/accounts/:name/grants/:collection': async (world) => {
    await world.prepare('PUT', `${target}/grants/own`, { read: true, write: false })
    return { path: `${target}/grants/own` }
  },
  'POST /api/v1/accounts/:name/tokens': (world) => ({
    path: `${target}/tokens`,
    body: { name: world.newName() },
  }),
  'POST /api/v1/accounts/:name/tokens, its own': (world, caller) => ({
    path: `/api/v1/accounts/${world.nameOf(caller)}/tokens`,
    body: { name: world.newName() },
  }),
  'DELETE /api/v1/accounts/:name/tokens/:id': async (world) => {
    const made = await world.prepare('POST', `${target}/tokens`, { name: world.newName() })
    noteSecret(String(made.token), 'token')
    return { path: `${target}/tokens/${made.id}` }
  },
  'POST /api/v1/accounts/:name/certificates': (world) => ({
    path: `${target}/certificates`,
    body: { subject: `CN=${world.newName()}` },
  }),
  'DELETE /api/v1/accounts/:name/certificates/:id': async (world) => {
    const subject = `CN=${world.newName()}`
    const { id } = await world.prepare('POST', `${target}/certificates`, { subject })
    return { path: `${target}/certificates/${id}` }
  },
  'POST /api/v1/sources/:name/resync': () => ({
    path: '/api/v1/sources/otx/resync',
    body: { since: '2026-06-01T00:00:00Z' },
  }),
  'PUT /api/v1/collections/:name, own': (world) => putOwn(world, { pageSize: 2 }),
  'PUT /api/v1/collections/:name, own with a higher TLP': (world) =>
    putOwn(world, { maxTlp: 'amber' }),
  'PUT /api/v1/collections/:name, own made not public': (world) =>
    putOwn(world, { nonPublic: true }),
  'PUT /api/v1/collections/:name, readable': () => ({
    path: '/api/v1/collections/readable',
    body: settings(),
  }),
  'PUT /api/v1/collections/:name, other': () => ({
    path: '/api/v1/collections/other',
    body: settings(),
  }),
  'PUT /api/v1/collections/:name, new': (world) => ({
    path: `/api/v1/collections/${world.newName()}`,
    body: settings(),
  }),
  'POST /api/v1/collections/apply, own': async (world) => {
    await putOwn(world, {})
    return { path: '/api/v1/collections/apply', body: { collections: named('own') } }
  },
  'POST /api/v1/collections/apply, own and readable': () => ({
    path: '/api/v1/collections/apply',
    body: { collections: named('own', 'readable') },
  }),
  'POST /api/v1/collections/apply, own and other': () => ({
    path: '/api/v1/collections/apply',
    body: { collections: named('own', 'other') },
  }),
  'POST /api/v1/collections/apply, other tried only': () => ({
    path: '/api/v1/collections/apply',
    body: { collections: named('other'), dryRun: true },
  }),
  'GET /api/v1/ledger, own': () => ({ path: '/api/v1/ledger?collection=own' }),
  'GET /api/v1/ledger, other': () => ({ path: '/api/v1/ledger?collection=other' }),
  'GET /api/v1/subscriptions, own': () => ({ path: '/api/v1/subscriptions?collection=own' }),
  'GET /api/v1/subscriptions, other': () => ({ path: '/api/v1/subscriptions?collection=other' }),
  'GET /api/v1/inbox/:id, missing': () => ({ path: '/api/v1/inbox/1' }),
  'GET /api/v1/inbox/:id/content, missing': () => ({ path: '/api/v1/inbox/1/content' }),
  'POST TAXII, Discovery_Request': () => taxii('Discovery_Request'),
  'POST TAXII, Collection_Information_Request': () => taxii('Collection_Information_Request'),
  ...Object.fromEntries(
    ['own', 'readable', 'writable', 'other', 'missing'].map((name) => [
      `POST TAXII, Inbox_Message ${name}`,
      () =>
        taxii(
          'Inbox_Message',
          '',
          `<t:Destination_Collection_Name>${name}</t:Destination_Collection_Name>`,
        ),
    ]),
  ),
  'POST TAXII, Subscription_Management_Request own': () => manage('STATUS', 'own'),
  'POST TAXII, Subscription_Management_Request other': () => manage('STATUS', 'other'),
  'POST TAXII, SUBSCRIBE to readable': () => manage('SUBSCRIBE', 'readable'),
  'POST TAXII, Poll_Request by its own subscription': (world, caller) =>
    pollBy(world.subscriptionOf(caller)),
  "POST TAXII, Poll_Request by somebody's subscription": (world) =>
    pollBy(world.subscriptionOf('somebody')),
  "POST TAXII, PAUSE of somebody's subscription": (world) =>
    manage('PAUSE', 'own', world.subscriptionOf('somebody')),
  'POST TAXII, Poll_Fulfillment own': (world, caller) => fulfil(world.resultSetOf(caller), 'own'),
  'POST TAXII, Poll_Fulfillment of another account': (world) =>
    fulfil(world.resultSetOf('somebody'), 'own'),
  'POST TAXII, Poll_Fulfillment other': (world, caller) =>
    fulfil(world.resultSetOf(caller), 'other'),
}

const taxii = (name: string, attributes = '', children = ''): Asked => ({
  path: '/taxii/poll',
  body: taxiiMessage(name, attributes, children),
})
const subscriptionId = (id: string) => `<t:Subscription_ID>${id}</t:Subscription_ID>`
const manage = (action: string, collection: string, id?: string): Asked =>
  taxii(
    'Subscription_Management_Request',
    `action="${action}" collection_name="${collection}"`,
    id === undefined ? '' : subscriptionId(id),
  )
const pollBy = (id: string): Asked => ({
  path: '/taxii/poll',
  body: pollRequest(subscriptionId(id), 'own'),
})
const fulfil = (resultId: string, collection: string): Asked => ({
  path: '/taxii/poll',
  body: fulfillment(resultId, 2, collection),
})

/** How a row is asked for. Whatever has no words of its own is asked with what its path and name say. */
export function askFor({ route, of }: Row, world: World, caller: Caller): Promise<Asked> | Asked {
  const ask = asks[of === undefined ? route : `${route}, ${of}`]
  if (ask) return ask(world, caller)
  const [method = '', path = ''] = route.split(' ')
  const polled = of?.startsWith('Poll_Request ') ? of.slice('Poll_Request '.length) : undefined
  if (polled !== undefined) return { path: '/taxii/poll', body: pollRequest(undefined, polled) }
  if (path === 'TAXII') return { path: '/taxii/poll' }
  if (method !== 'GET' && method !== 'POST')
    throw new Error(`nobody says how ${route} is asked for`)
  const name = path.startsWith('/api/v1/collections')
    ? of
    : path.includes('/sources')
      ? 'otx'
      : 'target'
  return {
    path: path.replace(':name', String(name)),
    ...(method === 'POST' && { body: {} }),
  }
}
