import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runPython } from '../helpers/python.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder } from '../helpers/stores.ts'
import { runTaxiway, startTaxiway } from '../helpers/taxiway.ts'
import {
  type Answering,
  contentBlock,
  domainPackage,
  pollResponse,
  send,
  startRogueServer,
  statusMessage,
  taxii,
} from '../taxii/client/rogue-server.ts'
import { childText } from '../taxii/server.ts'

const password = `${secret('password of esa1', { colons: true })} wörd`
const folder = makeFolder(t)
const passwordFile = join(folder, 'password')
writeFileSync(passwordFile, `${password}\nno more\n`)
const as = (name: string) => ['--username', name, '--password-file', passwordFile]
const authorization = `Basic ${Buffer.from(`esa1:${password}`, 'latin1').toString('base64')}`
const secrets = new RegExp([password, authorization.slice(6)].join('|'))

const emailPackage = domainPackage('who@taxiway-demo.com', 'mail')
  .replaceAll(
    'DomainNameObj:DomainNameObjectType" type="FQDN"',
    'AddressObj:AddressObjectType" category="e-mail"',
  )
  .replaceAll('DomainNameObj:Value', 'AddressObj:Address_Value')
  .replace(
    'xmlns:ex=',
    'xmlns:AddressObj="http://cybox.mitre.org/objects#AddressObject-2" xmlns:ex=',
  )

/** Two blocks in the newest window, and nothing before. */
const twoBlocks: Answering = (met) => {
  const end = childText(met.root, 'Inclusive_End_Timestamp') ?? ''
  const isLast = met.number === 6
  const blocks =
    contentBlock(domainPackage('a.taxiway-demo.com'), end) + contentBlock(emailPackage, end)
  send(met, pollResponse(met, isLast ? { count: 2, blocks } : { count: 0 }))
}

async function poll(t: Test, answer: Answering, ...args: string[]) {
  const server = await startRogueServer(t, answer)
  const ended = await runTaxiway(t, ['poll', server.url.href, '--collection', 'c', ...args], {})
  for (const text of [ended.stdout, ended.stderr]) t.notMatch(text, secrets)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is sought
  t.notMatch(ended.stdout + ended.stderr, /[\0-\x09\x0b-\x1f\x7f-\x9f]/)
  return { ...ended, met: server.met }
}

t.test('a full disk under the output is told in a sentence and by the exit code', async (t) => {
  const server = await startRogueServer(t, twoBlocks)
  const disk = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(disk))
  const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const args = [program, 'poll', server.url.href, '--collection', 'c', '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', disk, 'pipe'] })
  let stderr = ''
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  const [code] = await once(child, 'close')
  t.equal(code, 1)
  t.match(
    stderr,
    /^taxiway: standard output cannot be written \(ENOSPC: [^\n]*\): what it holds is not whole; [^\n]*\n$/,
  )
})

t.test('people are told who polls, each window, what is dropped and what is held', async (t) => {
  const { code, stdout, stderr, met } = await poll(t, twoBlocks, ...as('esa1'))
  t.equal(code, 0)
  t.equal(
    stderr,
    'taxiway: warning: the password goes over plain http, where everybody on the way can read it: use https\n',
  )
  t.strictSame([...new Set(met.map(({ headers }) => headers.authorization))], [authorization])
  t.equal(met.length, 7)
  const lines = stdout.split('\n')
  t.equal(lines[0], 'Polling as a Cisco Secure Email Gateway would')
  t.match(stdout, /User +esa1, by Basic from the first request on, in Latin-1/)
  t.match(stdout, /Asks for .* in 6 requests of 5 days, then 1 delta poll/)
  t.match(stdout, /^ +1\/6 .* 0 blocks {2}\(\d+ ms\)$/m)
  t.match(stdout, /^ +6\/6 .* 2 blocks: 1 taken in, 1 dropped/m)
  t.match(stdout, /^ delta 1 .* 0 blocks/m)
  t.match(stdout, /^ +1 +type +documented +the value is of none of the four families/m)
  t.match(stdout, /first: email who@taxiway-demo\.com, package ex:Package-mail, label 2/)
  t.match(
    lines.at(-2),
    /^A Cisco Secure Email Gateway would now hold 1 observable: 1 domain \(2 blocks in 6 windows and 1 delta poll, \d+ kB\); 1 observable dropped, 1 block of which it takes in nothing\.$/,
  )
})

t.test(
  '--json is an object a line, of the documented kinds, and --strict exits with 3',
  async (t) => {
    const { code, stdout } = await poll(t, twoBlocks, ...as('esa1'), '--json', '--strict')
    t.equal(code, 3)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const kinds = Map.groupBy(lines, ({ kind }) => kind)
    const counts = [...kinds].map(([kind, all]) => [kind, all.length])
    t.strictSame(counts, [
      ['warning', 1],
      ['start', 1],
      ['request', 7],
      ['window', 7],
      ['block', 2],
      ['summary', 1],
    ])
    t.match(kinds.get('start'), [
      {
        device: 'esa',
        collection: 'c',
        username: 'esa1',
        encoding: 'latin1',
        windows: 6,
        windowDays: 5,
      },
    ])
    t.match(kinds.get('request')?.[0], { exchange: 1, attempt: 1, status: 200, fault: null })
    t.match(kinds.get('block'), [
      {
        exchange: 6,
        outcome: 'ingested',
        ingested: [{ type: 'domain', value: 'a.taxiway-demo.com' }],
      },
      {
        packageId: 'ex:Package-mail',
        outcome: 'nothing',
        dropped: [{ type: 'email', rule: 'type' }],
      },
    ])
    t.match(kinds.get('summary'), [
      { polledWhole: true, exitCode: 3, blocks: 2, held: 1, dropped: [{ rule: 'type', count: 1 }] },
    ])
  },
)

t.test('--blocks is a line for each block', async (t) => {
  const { stdout } = await poll(t, twoBlocks, '--blocks', '--strict', '--deltas', '0')
  t.match(stdout, /^ingested {2}2\S+ {2}ex:Package-a\S+ {2}domain a\.taxiway-demo\.com$/m)
  t.match(stdout, /^nothing {3}2\S+ {2}ex:Package-mail {2}email who@\S+ dropped \(type\)$/m)
})

t.test('a failed poll reads like the alert of the appliance, and says what to check', async (t) => {
  const advertising: Answering = (met) => {
    if (met.root.name === 'Poll_Request') {
      const said = `<Message>no \u0085${password} \u202e\nhere ${authorization}</Message>`
      return send(met, statusMessage(met, 'NOT_FOUND', said))
    }
    const contact = `<Protocol_Binding>p</Protocol_Binding><Address>http://${met.headers.host}/x</Address><Message_Binding>m</Message_Binding>`
    const inside =
      met.root.name === 'Discovery_Request'
        ? `<Service_Instance service_type="COLLECTION_MANAGEMENT">${contact}</Service_Instance><Service_Instance service_type="POLL">${contact}</Service_Instance>`
        : '<Collection collection_name="other"/>'
    const name = met.root.name.replace('Request', 'Response')
    return send(met, `<${name} xmlns="${taxii}" message_id="1">${inside}</${name}>`)
  }
  const { code, stdout, stderr } = await poll(t, advertising, ...as('esa1'), '--json')
  t.equal(code, 1)
  t.match(stderr, /^taxiway: the appliance would raise an alert now: .* of "c" from http/m)
  t.match(
    stderr,
    /^taxiway: Reason: NOT_FOUND: no \\u\{85\}\[secret\] \\u\{202e\}\\u\{a\}here Basic \[secret\]$/m,
  )
  t.match(stderr, /the device tries 3 times all the same/)
  t.match(stderr, /^taxiway: → the server advertises other collections: other$/m)
  t.match(stderr, /^taxiway: → the server says that it is polled at http:\S+\/x$/m)
  const summary = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  t.match(summary, {
    kind: 'summary',
    polledWhole: false,
    exitCode: 1,
    collections: ['other'],
    fault: { kind: 'status-message' },
  })
})

t.test('nothing at all ends with what to check', async (t) => {
  const { code, stdout } = await poll(t, (met) => {
    if (met.root.name === 'Poll_Request') send(met, pollResponse(met))
    else met.response.writeHead(404).end()
  })
  t.equal(code, 0)
  t.match(stdout, /would now hold nothing \(0 blocks in 6 windows and 1 delta poll/)
  t.match(stdout, /Check:\n( {2}→ .*\n)+$/)
  t.match(stdout, /taxiway collection lint c/)
})

t.test('wrong options end with 2, before anything is sent', async (t) => {
  const to = (url: string, ...args: string[]) => [url, '--collection', 'c', ...args]
  const cases: [RegExp, string[]][] = [
    [/leave user name and password out/, to('https://esa1:hunter2@127.0.0.1:1/')],
    [/--password-file FILE/, to('http://127.0.0.1:1/', '--password', 'hunter2')],
    [/no password was given/, to('http://127.0.0.1:1/', '--username', 'esa1')],
    [/--cert and --key go together/, to('https://127.0.0.1:1/', '--cert', passwordFile)],
    [/--ca holds no certificate/, to('https://127.0.0.1:1/', '--ca', passwordFile)],
    [/cannot be read \(ENOENT\)/, to('https://127.0.0.1:1/', '--ca', join(folder, 'absent'))],
  ]
  const ended = await Promise.all(cases.map(([, args]) => runTaxiway(t, ['poll', ...args], {})))
  for (const [index, { code, stdout, stderr }] of ended.entries()) {
    t.strictSame([code, stdout], [2, ''])
    t.match(stderr, cases[index]?.[0])
    t.notMatch(stderr, /hunter2/)
  }
})

t.test('Ctrl-C ends --follow with the summary', async (t) => {
  const { url } = await startRogueServer(t, twoBlocks)
  const args = ['poll', url.href, '--collection', 'c', '--follow', '--interval', '600']
  const running = startTaxiway(t, args, {})
  await running.saw(/delta 1 /, 'stdout')
  running.process.kill('SIGINT')
  const { code, stdout, stderr } = await running.ended
  t.strictSame([code, stderr], [0, ''])
  t.match(stdout, /would now hold 1 observable/)
})

t.test('Ctrl-C in the middle says how far it came, and fails', async (t) => {
  const { url, met } = await startRogueServer(t, (one) => one.number < 3 && twoBlocks(one))
  const running = startTaxiway(t, ['poll', url.href, '--collection', 'c'], {})
  await running.saw(/2\/6 /, 'stdout')
  running.process.kill('SIGINT')
  const { code, stderr } = await running.ended
  t.equal(code, 1)
  t.match(stderr, /stopped before it was whole: 2 of 6 windows were polled/)
  t.ok(met.length <= 3)
})

t.test('a reader that stops reading ends the poll in silence', async (t) => {
  const { url } = await startRogueServer(t, (met) => {
    const blocks = contentBlock(domainPackage('a.taxiway-demo.com'), '2026-11-21T12:00:00Z')
    send(met, pollResponse(met, { blocks: blocks.repeat(2000) }))
  })
  const args = ['poll', url.href, '--collection', 'c', '--json']
  const running = startTaxiway(t, args, {})
  const { stdout } = running.process
  if (stdout === null) throw new Error('it has no output')
  await once(stdout, 'data')
  stdout.destroy()
  const { code, stderr } = await running.ended
  t.strictSame([code, stderr], [0, ''])
})

t.test('a password typed on a terminal is not shown, and windows are a bar there', async (t) => {
  const { url, met } = await startRogueServer(t, twoBlocks)
  const script = [
    'import os,pty,sys',
    'pid,fd=pty.fork()',
    'if pid==0: os.execv(sys.argv[1],sys.argv[1:])',
    "seen=b''",
    "while b'Password of' not in seen: seen+=os.read(fd,4096)",
    `os.write(fd,'${password.slice(0, 5)}x\\x7f${password.slice(5)}\\r'.encode())`,
    'try:',
    ' while True:',
    '  piece=os.read(fd,4096)',
    '  if not piece: break',
    '  seen+=piece',
    'except OSError: pass',
    'sys.stdout.buffer.write(seen)',
    'sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))',
  ].join('\n')
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const command = [process.execPath, main, 'poll', url.href, '--collection', 'c']
  const { code, stdout } = await runPython(['-c', script, ...command, '--username', 'esa1'])
  t.equal(code, 0, stdout)
  t.equal(met[0]?.headers.authorization, authorization)
  t.notMatch(stdout, new RegExp(`${password.slice(0, 5)}|wörd`))
  t.match(stdout, /6\/6 windows/)
  t.match(stdout, /would now hold 1 observable/)
})
