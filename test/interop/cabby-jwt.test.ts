import t from 'tap'
import type { Identify } from '../../src/model/account.ts'
import { grantRead } from '../../src/store/accounts.ts'
import { runCabby } from '../helpers/python.ts'
import { startApp } from '../http/server.ts'

const shown: string[] = []
let issued = 0
let expireAfter = Number.POSITIVE_INFINITY

/** Lets time pass once so many have shown a token: what cabby has then is not valid any more. */
function watch(identify: Identify): Identify {
  return {
    ...identify,
    async byBearer(token, address) {
      const caller = await identify.byBearer(token, address)
      shown.push(caller === undefined ? 'refused' : caller.proof)
      if (shown.length === expireAfter) app.clock.now = new Date(app.clock.now.getTime() + 600_000)
      return caller
    },
    async issueJwt(...given) {
      const jwt = await identify.issueJwt(...given)
      if (jwt !== undefined) issued += 1
      return jwt
    },
  }
}

const app = await startApp(t, { before: watch })
const esa1 = await app.addAccount('esa1')
const all = await app.db.selectFrom('collections').select('id').where('name', '=', 'all').execute()
await grantRead(app.db, esa1.account.id, Number(all[0]?.id))

const cabby = (password: string, command = 'taxii-poll', ...args: string[]) =>
  runCabby(command, [
    ...['--discovery', `${app.url}/taxii/discovery`, '--username', 'esa1', '--password', password],
    ...['--jwt-auth', `${app.url}/management/auth`, ...args],
  ])

t.beforeEach(() => {
  shown.length = 0
  issued = 0
  expireAfter = Number.POSITIVE_INFINITY
})

t.test('cabby --jwt-auth polls with one token', async (t) => {
  const { stderr } = await cabby(esa1.password, 'taxii-poll', '--collection', 'all')
  t.match(stderr, '0 blocks polled')
  t.notMatch(stderr, 'ERROR')
  t.same(shown, ['jwt', 'jwt'])
  t.equal(issued, 1)
})

t.test('when it has expired on the way, cabby fetches a new one and goes on', async (t) => {
  expireAfter = 1
  const { stderr } = await cabby(esa1.password, 'taxii-poll', '--collection', 'all')
  t.match(stderr, '0 blocks polled')
  t.notMatch(stderr, 'ERROR')
  t.same(shown, ['jwt', 'refused', 'jwt'])
  t.equal(issued, 2)
})

t.test('cabby says so when it gets none', async (t) => {
  const { stderr } = await cabby('wrong', 'taxii-collections')
  t.match(stderr, 'HTTP Error: status code 401')
  t.same(shown, [])
})
