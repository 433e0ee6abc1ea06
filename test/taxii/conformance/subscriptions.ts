import type { Test } from 'tap'
import { findAttribute } from '../../../src/xml/read.ts'
import {
  type Answer,
  child,
  childText,
  full,
  labelsOf,
  pollRequest,
  request,
  statusOf,
} from '../server.ts'
import { type Check, check } from './check.ts'
import { type Sent, stix12, stix111, type World } from './world.ts'

interface Asked extends Sent {
  readonly collection?: string
  readonly id?: string
  /** default: Subscription_Parameters where one subscribes */
  readonly inner?: string
}

const unknown = '00000000-0000-4000-8000-000000000000'
const parametersOf = (responseType: string, ...bindings: readonly string[]) =>
  `<t:Subscription_Parameters><t:Response_Type>${responseType}</t:Response_Type>` +
  bindings.map((one) => `<t:Content_Binding binding_id="${one}"/>`).join('') +
  '</t:Subscription_Parameters>'
const pushParameters =
  '<t:Push_Parameters><t:Protocol_Binding>urn:taxii.mitre.org:protocol:http:1.0</t:Protocol_Binding>' +
  '<t:Address>http://192.0.2.1/inbox</t:Address>' +
  '<t:Message_Binding>urn:taxii.mitre.org:message:xml:1.1</t:Message_Binding></t:Push_Parameters>'

function manage(world: World, action: string, asked: Asked = {}): Promise<Answer> {
  const { collection = 'indicators', id, ...sent } = asked
  const inner = asked.inner ?? (action === 'SUBSCRIBE' ? parametersOf('FULL') : '')
  const attributes = `collection_name="${collection}" action="${action}"`
  const subscription = id === undefined ? '' : `<t:Subscription_ID>${id}</t:Subscription_ID>`
  const message = request('Subscription_Management_Request', attributes, subscription + inner)
  return world.post(message, { path: '/taxii/subscriptions', ...sent })
}

/** Each subscription of an answer as `id status`. */
function listed(answer: Answer): readonly string[] {
  return answer.root.children
    .filter(({ name }) => name === 'Subscription')
    .map((one) => `${childText(one, 'Subscription_ID')} ${findAttribute(one, 'status')}`)
}

async function subscribe(t: Test, world: World, asked: Asked = {}): Promise<string> {
  const answer = await manage(world, 'SUBSCRIBE', asked)
  t.equal(statusOf(answer), 'Subscription_Management_Response', answer.body)
  const [one = ''] = listed(answer)
  const [id = '', status] = one.split(' ')
  t.equal(status, 'ACTIVE')
  return id
}

const pollBy = (world: World, id: string, collection = 'indicators', sent: Sent = {}) =>
  world.post(pollRequest(`<t:Subscription_ID>${id}</t:Subscription_ID>`, collection), sent)

export const subscriptionChecks: readonly Check[] = [
  check('a subscription is made, paused, resumed, ended, and its status told', async (t, world) => {
    const id = await subscribe(t, world)
    const steps = [
      ['STATUS', 'ACTIVE'],
      ['PAUSE', 'PAUSED'],
      ['PAUSE', 'PAUSED'],
      ['STATUS', 'PAUSED'],
      ['RESUME', 'ACTIVE'],
      ['RESUME', 'ACTIVE'],
      ['UNSUBSCRIBE', 'UNSUBSCRIBED'],
    ] as const
    for (const [action, status] of steps) {
      const answer = await manage(world, action, { id })
      t.equal(statusOf(answer), 'Subscription_Management_Response', action)
      t.equal(findAttribute(answer.root, 'collection_name'), 'indicators')
      t.equal(findAttribute(answer.root, 'in_response_to'), 'm-1')
      t.strictSame(listed(answer), [`${id} ${status}`], action)
    }
  }),

  check('an active subscription tells where it is polled', async (t, world) => {
    const answer = await manage(world, 'SUBSCRIBE')
    const subscription = child(answer.root, 'Subscription')
    const instance = subscription && child(subscription, 'Poll_Instance')
    t.equal(instance && childText(instance, 'Address'), `${world.url}/taxii/poll`)
  }),

  check('UNSUBSCRIBE of an unknown subscription succeeds', async (t, world) => {
    const answer = await manage(world, 'UNSUBSCRIBE', { id: unknown })
    t.equal(statusOf(answer), 'Subscription_Management_Response')
    t.strictSame(listed(answer), [`${unknown} UNSUBSCRIBED`])
  }),

  check('STATUS after UNSUBSCRIBE tells of the ended subscription', async (t, world) => {
    const id = await subscribe(t, world)
    await manage(world, 'UNSUBSCRIBE', { id })
    t.strictSame(listed(await manage(world, 'STATUS', { id })), [`${id} UNSUBSCRIBED`])
    t.ok(listed(await manage(world, 'STATUS')).includes(`${id} UNSUBSCRIBED`))
    for (const action of ['PAUSE', 'RESUME']) {
      t.equal(statusOf(await manage(world, action, { id })), `NOT_FOUND ITEM=${id}`, action)
    }
    t.strictSame(listed(await manage(world, 'UNSUBSCRIBE', { id })), [`${id} UNSUBSCRIBED`])
    t.strictSame(listed(await manage(world, 'STATUS', { id })), [`${id} UNSUBSCRIBED`])
    t.not(await subscribe(t, world), id, 'whoever subscribes again gets another')
  }),

  check('PAUSE, RESUME and STATUS of an unknown subscription are NOT_FOUND', async (t, world) => {
    for (const action of ['PAUSE', 'RESUME', 'STATUS']) {
      const answer = await manage(world, action, { id: unknown })
      t.equal(statusOf(answer), `NOT_FOUND ITEM=${unknown}`, action)
    }
  }),

  check('an unknown collection comes before all else in a subscription', async (t, world) => {
    for (const action of ['SUBSCRIBE', 'UNSUBSCRIBE', 'PAUSE', 'RESUME', 'STATUS']) {
      for (const collection of ['absent', 'hidden']) {
        const answer = await manage(world, action, {
          collection,
          ...(/SUBSCRIBE$|STATUS/.test(action) ? {} : { id: unknown }),
          ...(action === 'UNSUBSCRIBE' && { id: unknown }),
          ...(action === 'SUBSCRIBE' && { inner: parametersOf('FULL', 'urn:oasis:cap') }),
        })
        t.equal(statusOf(answer), `NOT_FOUND ITEM=${collection}`, action)
      }
    }
  }),

  check('the same asked for twice is one subscription', async (t, world) => {
    const id = await subscribe(t, world)
    t.equal(await subscribe(t, world), id)
    const other = await subscribe(t, world, { inner: parametersOf('COUNT_ONLY') })
    t.not(other, id)
    t.not(await subscribe(t, world, { as: 'esa2' }), id, 'somebody else has his own')
  }),

  check("STATUS without an id tells of all that are one's own", async (t, world) => {
    const id = await subscribe(t, world, { collection: 'empty', as: 'esa2' })
    const mine = await subscribe(t, world, { collection: 'empty' })
    t.strictSame(listed(await manage(world, 'STATUS', { collection: 'empty' })), [`${mine} ACTIVE`])
    const theirs = await manage(world, 'STATUS', { id })
    t.equal(statusOf(theirs), `NOT_FOUND ITEM=${id}`)
  }),

  check(
    'a subscription to a binding that is not there is UNSUPPORTED_CONTENT',
    async (t, world) => {
      const answer = await manage(world, 'SUBSCRIBE', {
        inner: parametersOf('FULL', 'urn:oasis:cap'),
      })
      const supported = `SUPPORTED_CONTENT=${stix12} SUPPORTED_CONTENT=${stix111}`
      t.equal(statusOf(answer), `UNSUPPORTED_CONTENT ${supported}`)
    },
  ),

  check('a subscription with a Query is an UNSUPPORTED_QUERY', async (t, world) => {
    const query =
      '<t:Query format_id="urn:taxii.mitre.org:query:default:1.0"><a xmlns="urn:x"/></t:Query>'
    const inner = parametersOf('FULL').replace('</t:Subscription', `${query}</t:Subscription`)
    t.equal(statusOf(await manage(world, 'SUBSCRIBE', { inner })), 'UNSUPPORTED_QUERY')
  }),

  check('Push_Parameters are refused, as nothing is pushed', async (t, world) => {
    const answer = await manage(world, 'SUBSCRIBE', {
      inner: parametersOf('FULL') + pushParameters,
    })
    t.equal(statusOf(answer).split(' ')[0], 'UNSUPPORTED_PROTOCOL')
  }),

  check('parameters with another action than SUBSCRIBE are a BAD_MESSAGE', async (t, world) => {
    const id = await subscribe(t, world)
    for (const action of ['UNSUBSCRIBE', 'PAUSE', 'RESUME', 'STATUS']) {
      for (const inner of [parametersOf('FULL'), pushParameters]) {
        t.equal(statusOf(await manage(world, action, { id, inner })), 'BAD_MESSAGE', action)
      }
    }
    t.strictSame(listed(await manage(world, 'STATUS', { id })), [`${id} ACTIVE`])
  }),

  check('UNSUBSCRIBE, PAUSE and RESUME without an id are a BAD_MESSAGE', async (t, world) => {
    for (const action of ['UNSUBSCRIBE', 'PAUSE', 'RESUME']) {
      t.equal(statusOf(await manage(world, action)), 'BAD_MESSAGE', action)
    }
  }),

  check("a poll by subscription follows the subscription's parameters", async (t, world) => {
    const whole = labelsOf(await world.post(pollRequest(full, 'indicators'))).length
    const all = await pollBy(world, await subscribe(t, world))
    t.equal(labelsOf(all).length, whole)
    t.ok(childText(all.root, 'Subscription_ID'))
    const old = await subscribe(t, world, { inner: parametersOf('FULL', stix111) })
    const polled = await pollBy(world, old)
    t.equal(childText(polled.root, 'Subscription_ID'), old)
    t.equal(labelsOf(polled).length, whole)
    for (const one of polled.root.children.filter(({ name }) => name === 'Content_Block')) {
      const binding = child(one, 'Content_Binding')
      t.equal(binding && findAttribute(binding, 'binding_id'), stix111)
    }
    const counts = await subscribe(t, world, { inner: parametersOf('COUNT_ONLY') })
    const counted = await pollBy(world, counts)
    t.equal(childText(counted.root, 'Record_Count'), String(whole))
    t.equal(labelsOf(counted).length, 0)
  }),

  check('a paused subscription may still be polled', async (t, world) => {
    const id = await subscribe(t, world)
    await manage(world, 'PAUSE', { id })
    t.equal(statusOf(await pollBy(world, id)), 'Poll_Response')
    await manage(world, 'RESUME', { id })
  }),

  check(
    "a subscription that has ended, or is not one's own, is polled no more",
    async (t, world) => {
      const id = await subscribe(t, world)
      t.equal(statusOf(await pollBy(world, id, 'empty')), `NOT_FOUND ITEM=${id}`, 'elsewhere')
      const theirs = await pollBy(world, id, 'indicators', { as: 'esa2' })
      t.equal(statusOf(theirs), `NOT_FOUND ITEM=${id}`)
      await manage(world, 'UNSUBSCRIBE', { id })
      t.equal(statusOf(await pollBy(world, id)), `NOT_FOUND ITEM=${id}`)
    },
  ),
]
