import t from 'tap'
import { grantRead } from '../../src/store/accounts.ts'
import { countScrypt } from '../security/counted-scrypt.ts'
import { pollRequest, taxiiHeaders } from './server.ts'

const scrypt = countScrypt()
// What a check costs, passwords.test.ts looks at.
scrypt.cheap = true
const { basic, startApp } = await import('../http/server.ts')

const app = await startApp(t)
const esa1 = await app.addAccount('esa1')
const all = await app.db.selectFrom('collections').select('id').where('name', '=', 'all').execute()
await grantRead(app.db, esa1.account.id, Number(all[0]?.id))

async function poll(name: string, password: string, from: string) {
  const { status, text, headers } = await app.ask({
    method: 'POST',
    path: '/taxii/poll',
    headers: { ...taxiiHeaders, Authorization: basic(name, password) },
    body: pollRequest(undefined, 'all'),
    from,
  })
  return { status, text, retryAfter: headers['retry-after'] }
}

const home = '127.0.0.1'
const pollAtHome = () => poll('esa1', esa1.password, home)
const countOf = async (sample: string) =>
  Number((await app.signIns()).find((one) => one.endsWith(sample))?.split(' ')[0] ?? 0)

t.test('200 wrong guesses for esa1 from elsewhere do not hinder esa1 at home', async (t) => {
  t.equal((await pollAtHome()).status, 200)
  const statuses = new Map<number, number>()
  for (let n = 0; n < 200; n += 10) {
    const guesses = Array.from({ length: 10 }, (_, m) =>
      poll('esa1', `guess ${n + m}`, '127.0.0.2'),
    )
    const { status, text } = await pollAtHome()
    t.equal(status, 200)
    t.match(text, 'Poll_Response')
    for (const { status } of await Promise.all(guesses)) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  t.same([...statuses].toSorted(), [
    [401, 11],
    [429, 189],
  ])
  const slowed = await poll('esa1', esa1.password, '127.0.0.2')
  t.equal(slowed.status, 429, 'where it was guessed, the right one is not checked either')
  t.equal(await countOf('password slowed'), 190)
  t.equal(await countOf('password refused'), 11)
  t.equal(await countOf('password accepted'), 1)
})

t.test('a flood from many addresses leaves esa1 its lane', async (t) => {
  // Not remembered any more, so that its password has to be checked in the middle of the flood.
  app.clock.now = new Date(app.clock.now.getTime() + 300_000)
  const released = Promise.withResolvers<void>()
  scrypt.hold(released.promise, (password) => password.startsWith('guess'))
  scrypt.calls.length = 0
  const flood = Array.from({ length: 300 }, (_, n) =>
    poll(`stranger ${n}`, `guess ${n}`, `127.0.${1 + (n % 100)}.9`),
  )
  const first = await Promise.race(flood)
  t.equal(first.status, 429, 'what finds no room is told at once')
  t.equal(first.retryAfter, '30')
  for (let n = 0; n < 3; n++) {
    const before = await countOf('password accepted')
    t.equal((await pollAtHome()).status, 200)
    t.equal(await countOf('password accepted'), before + 1, 'it was checked, not remembered')
    app.clock.now = new Date(app.clock.now.getTime() + 300_000)
  }
  t.equal(scrypt.calls.length, 4, 'of the flood one check is under way')
  const newcomer = poll('somebody', 'guess of another address', '127.0.200.1')
  released.resolve()
  t.equal((await newcomer).status, 401, 'a stranger has his turn, too')
  const statuses = (await Promise.all(flood)).map(({ status }) => status)
  const checked = statuses.filter((status) => status === 401).length
  t.ok(checked === 128 || checked === 129, `${checked} had room`)
  t.equal(statuses.filter((status) => status === 429).length, 300 - checked)
})
