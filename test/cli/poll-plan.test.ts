import t from 'tap'
import { createOutput } from '../../src/cli/poll-output.ts'
import { makePlan, type PollOptions, readPollUrl } from '../../src/cli/poll-plan.ts'
import { ConfigError } from '../../src/model/errors.ts'
import type { DeviceName } from '../../src/taxii/client/device.ts'
import { createDevice } from '../../src/taxii/client/devices/devices.ts'

const day = 86_400_000_000
const now = Date.UTC(2026, 10, 21, 12) * 1000
const url = new URL('https://feeds.example/taxii/poll')

function plan(as: DeviceName, change: Partial<PollOptions> = {}) {
  const options = {
    collection: 'c',
    as,
    interval: 60,
    timeout: 60,
    maxAnswer: 30,
    maxBlock: 16,
    ...change,
  }
  return makePlan(url, options, createDevice(as), now)
}

t.test('each device polls in its own way unless it is told otherwise', async (t) => {
  t.match(plan('esa'), {
    begin: now - 30 * day,
    end: now,
    windowDays: 5,
    deltas: 1,
    intervalMs: undefined,
    bindings: [],
    discovers: false,
  })
  const cabby = plan('cabby')
  t.strictSame(
    [cabby.begin, cabby.end, cabby.windowDays, cabby.deltas, cabby.discovers],
    [undefined, undefined, undefined, 0, false],
  )
  t.match(plan('tid'), { begin: now - 30 * day, end: now, deltas: 0, discovers: true })
  t.match(plan('minemeld'), { windowDays: 1, discovers: true })
})

t.test('what is asked for counts', async (t) => {
  const asked = { age: 7, segment: 2, deltas: 3, binding: ['u'], subscription: 's', discover: true }
  t.match(plan('esa', asked), {
    begin: now - 7 * day,
    windowDays: 2,
    deltas: 3,
    bindings: ['u'],
    subscriptionId: 's',
    discovers: true,
  })
  t.match(plan('cabby', { age: 7 }), { begin: now - 7 * day, end: undefined })
  t.match(plan('esa', { follow: true, interval: 15 }), { intervalMs: 900_000 })
  const past = plan('esa', { end: now - day })
  t.match(past, { begin: now - 31 * day, end: now - day })
  t.equal(past.deltas, 0, 'what is past has no deltas')
  t.match(plan('esa', { begin: 5, end: 6 }), { begin: 5, end: 6 })
})

t.test('options that speak against each other are refused', async (t) => {
  const refused: [Partial<PollOptions>, RegExp][] = [
    [{ age: 1, begin: 1 }, /--age and --begin/],
    [{ end: 1, follow: true }, /--follow/],
    [{ begin: 2, end: 1 }, /--begin must lie before --end/],
    [{ begin: now }, /before now/],
  ]
  for (const [options, says] of refused) {
    t.throws(() => plan('esa', options), { constructor: ConfigError, message: says })
  }
})

t.test(
  'an address without its scheme, or with a password, is refused without repeating it',
  async (t) => {
    t.equal(readPollUrl('HTTPS://feeds.example/poll#x').href, 'https://feeds.example/poll')
    for (const wrong of ['feeds.example/poll', 'localhost:9000/poll', 'ftp://a/', 'https://', '']) {
      t.throws(() => readPollUrl(wrong), { message: /must be like https:/ })
    }
    for (const telling of ['https://ann:hunter2@feeds.example/', 'https://ann@feeds.example/']) {
      try {
        readPollUrl(telling)
        t.fail('it was accepted')
      } catch (error) {
        t.match((error as Error).message, /--username NAME, and --password-file FILE/)
        t.notMatch((error as Error).message, /ann|hunter2/)
      }
    }
  },
)

t.test('no output steers the terminal or repeats a secret', async (t) => {
  let written = ''
  const output = createOutput(['hunt"er2é', 'abc'], (text) => {
    written += text
  })
  output.print('a\u001b[31mred\u009b2J\u202e hunt"er2é\nb abc')
  t.equal(written, 'a\\u{1b}[31mred\\u{9b}2J\\u{202e} [secret]\nb abc\n')
  written = ''
  const told = { text: 'a\u001b[31m\u009b\u202e\u{e0001}\n', secret: 'my hunt"er2é' }
  output.printJson(told)
  t.match(written, /^[\x20-\x7eé]+\n$/)
  t.strictSame(JSON.parse(written), { ...told, secret: 'my [secret]' })
})
