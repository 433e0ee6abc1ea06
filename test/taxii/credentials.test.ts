import t from 'tap'
import { StoreUnavailable } from '../../src/model/errors.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection } from './memory-feed.ts'
import { basic, childText, password, pollRequest, startServer, statusOf } from './server.ts'

const server = await startServer(t)
server.feed.collections.push(collection())

const credentials: [string, string | undefined][] = [
  ['no credentials', undefined],
  ['a wrong password', basic('esa1', 'wrong')],
  ['an unknown name', basic('nobody', password)],
  ['a part of the password', basic('esa1', 'pa')],
  ['another scheme', 'Digest abc'],
  ['no base64', 'Basic %%%'],
  ['credentials without a colon', `Basic ${Buffer.from('esa1').toString('base64')}`],
]

for (const [name, authorization] of credentials) {
  t.test(`${name}: 401 with a challenge and an UNAUTHORIZED status`, async (t) => {
    const answer = await server.post(pollRequest(), { headers: { Authorization: authorization } })
    t.equal(answer.status, 401)
    t.equal(statusOf(answer), 'UNAUTHORIZED')
    t.equal(answer.headers.get('www-authenticate'), 'Basic realm="taxiway", charset="UTF-8"')
    t.equal(answer.headers.get('x-taxii-services'), 'urn:taxii.mitre.org:services:1.1')
  })
}

t.test('a password in Latin-1, as Python sends it, is understood', async (t) => {
  const headers = { Authorization: basic('esa1', password, 'latin1') }
  t.equal(statusOf(await server.post(pollRequest(), { headers })), 'Poll_Response')
})

t.test(
  'while the store is down, polls and log-ins get FAILURE at 503 and the log says why',
  async (t) => {
    const cause = new StoreUnavailable('connection refused by 10.1.2.3')
    let calls = 0
    // The first call is the log-in, the second looks for the collection.
    for (const failing of [1, 2]) {
      calls = 0
      server.feed.beforeCall = () => {
        calls += 1
        if (calls === failing) throw cause
      }
      const answer = await server.post(pollRequest())
      t.equal(answer.status, 503)
      t.equal(statusOf(answer), 'FAILURE')
      t.notMatch(answer.body, '10.1.2.3')
      t.notOk(answer.headers.has('www-authenticate'), 'the credentials are not at fault')
      t.equal(server.logged.pop()?.err, cause)
    }
    server.feed.beforeCall = () => undefined
    t.equal(statusOf(await server.post(pollRequest())), 'Poll_Response')
  },
)

t.test(
  'an error that nobody foresaw says "internal error" outside and all in the log',
  async (t) => {
    const error = new TypeError('secret of the house')
    let calls = 0
    server.feed.beforeCall = () => {
      calls += 1
      if (calls === 2) throw error
    }
    const answer = await server.post(pollRequest())
    server.feed.beforeCall = () => undefined
    t.equal(answer.status, 500)
    t.equal(statusOf(answer), 'FAILURE')
    t.equal(childText(answer.root, 'Message'), 'internal error')
    t.notMatch(answer.body, 'secret')
    t.equal(server.logged.pop()?.err, error)
  },
)

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
