import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { TooManyGuesses } from '../../src/model/errors.ts'
import { clientNetwork } from '../../src/security/client-network.ts'
import { createGuesses, type Guesses } from '../../src/security/guesses.ts'

const home = '192.0.2.1'

// What is garbage must not count: without this the heap tells when the collector last ran.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function start() {
  const clock = { now: 1_000_000 }
  return { clock, guesses: createGuesses(() => clock.now) }
}

/** In how many seconds it may be tried again; 0: now. */
function waitOf(check: () => void): number {
  try {
    check()
    return 0
  } catch (error) {
    if (error instanceof TooManyGuesses) return error.retryAfterSeconds
    throw error
  }
}

let guessed = 0
/** Another guess each time. */
function guess(guesses: Guesses, network: string, name: string, times = 1): void {
  for (let n = 0; n < times; n++) {
    guessed += 1
    guesses.wrong(network, name, Buffer.from(`guess ${guessed}`))
  }
}

t.test(
  'ten wrong ones are free, each further one doubles the pause up to 15 minutes',
  async (t) => {
    const { clock, guesses } = start()
    const wait = () => waitOf(() => guesses.checkPair(home, 'esa1'))
    guess(guesses, home, 'esa1', 10)
    t.equal(wait(), 0)
    const pauses: number[] = []
    for (let n = 0; n < 13; n++) {
      guess(guesses, home, 'esa1')
      const pause = wait()
      pauses.push(pause)
      clock.now += pause * 1_000 - 1
      t.equal(wait(), 1, 'it lasts to its end')
      clock.now += 1
      t.equal(wait(), 0)
    }
    t.same(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
  },
)

t.test('a quiet hour forgets, and so does a right password', async (t) => {
  const { clock, guesses } = start()
  const wait = () => waitOf(() => guesses.checkPair(home, 'esa1'))
  guess(guesses, home, 'esa1', 15)
  t.equal(wait(), 16)
  clock.now += 3_599_999
  guess(guesses, home, 'esa1')
  t.equal(wait(), 32, 'nearly an hour is no quiet hour')
  clock.now += 3_600_000
  guess(guesses, home, 'esa1', 10)
  t.equal(wait(), 0)
  guess(guesses, home, 'esa1')
  t.equal(wait(), 1)
  guesses.right(home, 'esa1')
  t.equal(wait(), 0)
  guess(guesses, home, 'esa1', 10)
  t.equal(wait(), 0)
})

t.test('names and addresses are counted apart', async (t) => {
  const { guesses } = start()
  guess(guesses, home, 'esa1', 30)
  t.ok(waitOf(() => guesses.checkPair(home, 'esa1')) > 0)
  t.equal(
    waitOf(() => guesses.checkPair(home, 'esa2')),
    0,
  )
  t.equal(
    waitOf(() => guesses.checkPair('192.0.2.2', 'esa1')),
    0,
  )
  t.equal(
    waitOf(() => guesses.checkNetwork(home)),
    0,
  )
})

t.test('an address that tries many names is slowed as a whole after a hundred', async (t) => {
  const { clock, guesses } = start()
  const wait = () => waitOf(() => guesses.checkNetwork(home))
  for (let n = 0; n < 100; n++) guess(guesses, home, `name ${n}`)
  t.equal(wait(), 0)
  for (let n = 100; n < 104; n++) guess(guesses, home, `name ${n}`)
  t.equal(wait(), 8)
  guesses.right(home, 'name 1')
  t.equal(wait(), 8, 'an account of its own does not help it')
  t.equal(
    waitOf(() => guesses.checkNetwork('192.0.2.2')),
    0,
  )
  clock.now += 3_600_000
  t.equal(wait(), 0)
})

t.test('a device that goes on with an old password does not slow those beside it', async (t) => {
  const { clock, guesses } = start()
  const old = Buffer.from('the digest of an old password')
  let checked = 0
  for (let minute = 0; minute < 7 * 24 * 60; minute++) {
    if (waitOf(() => guesses.checkPair(home, 'esa1')) === 0) {
      guesses.wrong(home, 'esa1', old)
      checked += 1
    }
    if (waitOf(() => guesses.checkNetwork(home)) > 0) t.fail('its network is slowed')
    clock.now += 60_000
  }
  t.ok(checked > 100 && checked < 800, `${checked} checks in a week`)
})

t.test('a flood of names and addresses takes a bounded memory', async (t) => {
  const { guesses } = start()
  const heap = () => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const long = 'n'.repeat(120)
  const flood = (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      guess(
        guesses,
        `2001:db8:${(n >> 16).toString(16)}:${(n & 65535).toString(16)}::/64`,
        `${long} ${n}`,
      )
    }
  }
  flood(0, 60_000)
  const before = heap()
  flood(60_000, 300_000)
  const grown = (heap() - before) / 1e6
  t.ok(grown < 40, `${grown.toFixed(1)} MB more for four times as many`)
  guess(guesses, home, 'esa1', 12)
  t.equal(
    waitOf(() => guesses.checkPair(home, 'esa1')),
    2,
    'and it still counts',
  )
})

t.test('a client is an IPv4 address, or a /64 of IPv6', async (t) => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::1%eth1', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['[2001:db8::1]:4711', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['[::ffff:192.0.2.1]:4711', '192.0.2.1'],
    ['1:2::3:4711', '1:2:0:0::/64'],
    ['unknown', 'unknown'],
    ['', ''],
    ['x'.repeat(10_000), 'x'.repeat(64)],
  ] as const) {
    t.equal(clientNetwork(address), network, address.slice(0, 50))
  }
})
