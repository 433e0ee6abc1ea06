import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createOutput } from '../../src/cli/poll-output.ts'
import { runPoll } from '../../src/cli/poll-run.ts'
import { closingText, summaryText } from '../../src/cli/poll-text.ts'
import { createDevice } from '../../src/taxii/client/devices/devices.ts'
import { createHttpClient } from '../../src/taxii/client/http.ts'
import { noon, pollOnce } from '../taxii/client/polling.ts'
import {
  type Answering,
  contentBlock,
  domainPackage,
  pollResponse,
  send,
  startRogueServer,
} from '../taxii/client/rogue-server.ts'

const main = new URL('../../src/main.ts', import.meta.url).pathname
const device = createDevice('esa')

/** Runs the command in this process, with what it prints; the plan is one window. */
async function run(
  t: Test,
  answer: Answering,
  options: { readonly json?: boolean; readonly blocks?: boolean },
  onError: (text: string, stop: AbortController) => void = () => {},
) {
  const { url } = await startRogueServer(t, answer)
  const http = createHttpClient()
  const stop = new AbortController()
  const printed = { stdout: '', stderr: '' }
  const code = await runPoll({
    plan: {
      url,
      collection: 'c',
      begin: noon - 1_000_000,
      end: noon,
      windowDays: undefined,
      deltas: 0,
      intervalMs: undefined,
      bindings: [],
      subscriptionId: undefined,
      discovers: false,
    },
    options,
    username: undefined,
    encoding: undefined,
    output: createOutput([], (text) => {
      printed.stdout += text
    }),
    errors: createOutput([], (text) => {
      printed.stderr += text
      onError(text, stop)
    }),
    progressEveryMs: 20,
    parts: {
      http,
      device,
      authorization: undefined,
      limits: {},
      signal: stop.signal,
      now: () => noon,
      sleep: async () => {},
    },
  }).finally(() => http.close())
  return { code, ...printed }
}

t.test('a poll that takes long says every so often how far it is', async (t) => {
  for (const json of [true, false]) {
    const { code, stderr } = await run(
      t,
      () => {},
      { json },
      (text, stop) => {
        if (text.includes('still polling')) stop.abort()
      },
    )
    t.equal(code, 1)
    t.match(
      stderr,
      /^taxiway: still polling after \d+ s: 0 of 1 windows, 0 requests done, 0 blocks so far/m,
    )
  }
})

t.test('one block with texts of 1 MB makes a short output, in JSON too', async (t) => {
  const long = 'x'.repeat(1_000_000)
  const odd = contentBlock(domainPackage(long, 'long'), long).replace('binding_id="', `$&${long}`)
  const answer: Answering = (met) => send(met, pollResponse(met, { blocks: odd }))
  const people = await run(t, answer, { blocks: true })
  t.equal(people.code, 0)
  t.ok(people.stdout.length < 8_000, `${people.stdout.length}`)
  const { stdout } = await run(t, answer, { json: true })
  t.ok(stdout.length < 6 * 65_536, `${stdout.length}`)
  const told = JSON.parse(stdout.split('\n').find((line) => /"kind":"block"/.test(line)) ?? '')
  t.equal(told.label.length, 65_536)
})

t.test('what JSON cuts keeps no half of a secret', async (t) => {
  let written = ''
  const output = createOutput(['hunter2'], (text) => {
    written = text
  })
  for (let at = 49_140; at < 49_160; at += 1) {
    output.printJson({ text: `${'x'.repeat(at)}hunter2${'x'.repeat(50_000)}` })
    t.notMatch(written, /hunt|ter2/)
  }
})

t.test('of very many types the most frequent are told, and how many more there are', async (t) => {
  const { url } = await startRogueServer(t, (met) => send(met, pollResponse(met)))
  const { outcome } = await pollOnce(url)
  for (let number = 1; number <= 60; number += 1) {
    const type = `type${number}`
    outcome.tally.types.set(type, { type, ingested: number, distinct: number })
  }
  t.match(closingText(outcome, device), /: 60 type60, 59 type59, .*51 type51 and 50 more types \(/)
  t.match(summaryText(outcome, device), /\n {2}and 10 more types$/m)
})

t.test('--password-file - reads the password from standard input', async (t) => {
  const { url, met } = await startRogueServer(t, (one) => send(one, pollResponse(one)))
  const args = [main, 'poll', url.href, '--collection', 'c', '--as', 'cabby', '--username', 'u']
  const running = promisify(execFile)(process.execPath, [...args, '--password-file', '-'])
  running.child.stdin?.end('pa:ss wörd\r\nno more\n')
  const { stdout, stderr } = await running
  t.equal(
    met[0]?.headers.authorization,
    `Basic ${Buffer.from('u:pa:ss wörd', 'latin1').toString('base64')}`,
  )
  t.notMatch(stdout + stderr, /pa:ss|no more/)
})
