import t from 'tap'
import { grantRead } from '../../src/store/accounts.ts'
import { findAttribute, readXml } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { noteSecret } from '../helpers/secrets.ts'
import { basic, bearer, startApp } from '../http/server.ts'
import { childText, fulfillment, pollRequest, request, statusOf, taxiiHeaders } from './server.ts'

const app = await startApp(t)
const esa1 = await app.addAccount('esa1')
const collections = await app.db.selectFrom('collections').select(['id', 'name']).execute()
const [all] = collections.filter(({ name }) => name === 'all')
if (!all) throw new Error('there is no collection')
await grantRead(app.db, esa1.account.id, all.id)

const answers: string[] = []
const information = request('Collection_Information_Request')

async function send(
  authorization: string | readonly string[] | undefined,
  body: string,
  headers: Record<string, string> = {},
) {
  const answer = await app.ask({
    method: 'POST',
    path: '/taxii/poll',
    headers: { ...taxiiHeaders, Authorization: authorization, ...headers },
    body,
  })
  answers.push(answer.text)
  const root = readXml(Buffer.from(answer.text))
  const told = { ...answer, root, body: answer.text, headers: new Headers() }
  return {
    status: answer.status,
    headers: answer.headers,
    root,
    told: statusOf(told),
    inResponseTo: findAttribute(root, 'in_response_to'),
    message: childText(root, 'Message'),
  }
}

const poll = (authorization: string | undefined, collection = 'all') =>
  send(authorization, pollRequest(undefined, collection))
const listed = async (authorization: string) =>
  (await send(authorization, information)).root.children.map((one) =>
    findAttribute(one, 'collection_name'),
  )

t.test('a token and a JWT poll as the password does', async (t) => {
  const { token } = await app.addToken(esa1.account.id)
  const jwt = noteSecret((await app.identify.issueJwt('esa1', esa1.password, '::1')) ?? '', 'JWT')
  for (const one of [basic('esa1', esa1.password), bearer(token), bearer(jwt)]) {
    const { status, told } = await poll(one)
    t.equal(status, 200)
    t.equal(told, 'Poll_Response')
    t.equal((await poll(one, 'other')).told, 'NOT_FOUND ITEM=other')
    t.same(await listed(one), ['all'])
  }
})

t.test(
  'a token that is not valid is UNAUTHORIZED at HTTP 200, in response to the message',
  async (t) => {
    const expired = await app.addToken(esa1.account.id, null, -1)
    for (const wrong of [
      `taxiway_${'a'.repeat(43)}`,
      expired.token,
      'abc',
      'a.b.c',
      '',
      'two words',
    ]) {
      const { status, told, inResponseTo, message, headers } = await poll(bearer(wrong))
      t.equal(status, 200, wrong.slice(0, 9))
      t.equal(told, 'UNAUTHORIZED')
      t.equal(inResponseTo, 'm-1')
      t.match(message, /bearer token is not valid/)
      t.equal(headers['www-authenticate'], undefined)
      t.equal(headers['x-taxii-services'], 'urn:taxii.mitre.org:services:1.1')
    }
  },
)

t.test(
  'of somebody unknown no fault of the message is told, and nothing large is read',
  async (t) => {
    const wrong = bearer('abc')
    const broken = await send(wrong, '<t:Poll_Request xmlns:t="urn:x" message_id="m-9"><')
    t.equal(broken.told, 'UNAUTHORIZED')
    const large = await send(wrong, pollRequest(`<!--${'x'.repeat(20_000)}-->`))
    t.equal(large.told, 'UNAUTHORIZED')
    t.equal(large.status, 200)
    t.equal(large.inResponseTo, '0')
    const chunked = await send(wrong, pollRequest(), { 'Transfer-Encoding': 'chunked' })
    t.equal(chunked.told, 'UNAUTHORIZED')
    const json = await send(wrong, '{}', { 'Content-Type': 'application/json' })
    t.equal(json.told, 'UNAUTHORIZED')
  },
)

t.test('a token without the scope feed:read polls nothing and is listed nothing', async (t) => {
  const { token } = await app.addToken(esa1.account.id, ['collections:read'])
  for (const collection of ['all', 'other', 'absent']) {
    const { status, told, message } = await poll(bearer(token), collection)
    t.equal(status, 200)
    t.equal(told, 'DENIED')
    t.match(message, /feed:read/)
  }
  t.equal((await send(bearer(token), fulfillment('gone', 2, 'all'))).told, 'DENIED')
  t.same(await listed(bearer(token)), [])
  t.equal((await send(bearer(token), request('Discovery_Request'))).told, 'Discovery_Response')
  const reading = await app.addToken(esa1.account.id, ['feed:read'])
  t.equal((await poll(bearer(reading.token))).told, 'Poll_Response')
})

t.test(
  'readers, curators and responders have what they were granted, administrators all',
  async (t) => {
    for (const role of ['reader', 'curator', 'responder', 'administrator'] as const) {
      const { account, name, password } = await app.addAccount(`a ${role}`, role)
      const who = basic(name, password)
      const isAdministrator = role === 'administrator'
      t.same(await listed(who), isAdministrator ? ['all', 'other'] : [])
      t.equal((await poll(who)).told, isAdministrator ? 'Poll_Response' : 'NOT_FOUND ITEM=all')
      await grantRead(app.db, account.id, all.id)
      t.same(await listed(who), isAdministrator ? ['all', 'other'] : ['all'])
      t.equal((await poll(who)).told, 'Poll_Response')
      // To write is not to read.
      await app.db
        .updateTable('grants')
        .set({ can_read: false, can_write: true })
        .where('account_id', '=', account.id)
        .execute()
      t.equal((await poll(who)).told, isAdministrator ? 'Poll_Response' : 'NOT_FOUND ITEM=all')
      t.same(await listed(who), isAdministrator ? ['all', 'other'] : [])
    }
  },
)

t.test('a token that expires between two polls is UNAUTHORIZED in the second', async (t) => {
  const { token } = await app.addToken(esa1.account.id)
  t.equal((await poll(bearer(token))).told, 'Poll_Response')
  const before = app.clock.now
  app.clock.now = new Date(before.getTime() + 86_460_000)
  t.equal((await poll(bearer(token))).told, 'UNAUTHORIZED')
  app.clock.now = before
})

t.test('who guesses too much is told to wait, by HTTP and by a status', async (t) => {
  const guesser = await app.addAccount('guesser')
  for (let n = 0; n < 11; n++) t.equal((await poll(basic('guesser', `guess ${n}`))).status, 401)
  const { status, told, message, headers } = await poll(basic('guesser', guesser.password))
  t.equal(status, 429)
  t.equal(told, 'FAILURE')
  t.match(message, 'too many wrong credentials; try again in 1 s')
  t.equal(headers['retry-after'], '1')
  t.equal(headers['www-authenticate'], undefined)
  const { token } = await app.addToken(guesser.account.id)
  t.equal((await poll(bearer(token))).status, 200, 'its token is not slowed')
})

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(answers)).flat(), [])
})
