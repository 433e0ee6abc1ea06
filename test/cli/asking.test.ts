import { lstat, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Test } from 'tap'
import t from 'tap'
import { lockDataDir } from '../../src/store/data-dir-lock.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { makeStore, type StoreKind } from '../helpers/stores.ts'
import {
  type Ended,
  makeFolder,
  runTaxiway,
  type Settings,
  startService,
} from '../helpers/taxiway.ts'
import { createCommandRunner } from './command-runner.ts'

const seeds = fileURLToPath(new URL('../../seeds/collections.yaml', import.meta.url))
const fingerprint = 'ab'.repeat(32)

/** Runs commands one after another, in one process. */
type Run = (...commands: (readonly string[])[]) => Promise<readonly Ended[]>

function runner(t: Test, settings: Settings): Run {
  const run = createCommandRunner(t, settings)
  return async (...commands) => {
    const said: Ended[] = []
    for (const args of commands) {
      // Some show a secret, once.
      const ended = await run(args, { showsSecret: true })
      for (const [found] of ended.stdout.matchAll(/taxiway_[\w-]{20,}|^[\w-]{24,40}$/gm))
        noteSecret(found)
      said.push(ended)
    }
    return said
  }
}

/** What comes out must be the same whichever way a command asks: all but what is made anew each time. */
function masked(text: string, name: string): string {
  return text
    .replaceAll(name, 'NAME')
    .replace(/taxiway_[\w-]{20,}/g, 'TOKEN')
    .replace(/^[\w-]{24,40}$/gm, 'PASSWORD')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'MOMENT')
    .replace(/(revoke NAME|token|certificate|^) *\d+\b/gm, '$1 ID')
    .replace(/( a backup +)\S{4} /, '$1HINT ')
    .replace(/local administrator|remote$/gm, 'WHO')
}

/** Each command that changes an account, on one of its own. */
const changes = (name: string): string[][] => [
  ['account', 'add', name, '--read', 'tid', 'reports', '--write', 'tid', '--client-age-out', '7'],
  ['account', 'add', name],
  ['account', 'passwd', name],
  ['account', 'grant', name, 'esa-network', 'everything', '--write'],
  ['account', 'grant', name, 'esa-network', 'nothing'],
  ['account', 'revoke', name, 'everything', '--write'],
  ['account', 'revoke', name, 'tid', 'reports'],
  ['account', 'revoke', name, 'tid'],
  ['account', 'role', name, 'curator'],
  ['account', 'age-out', name, '1'],
  ['account', 'disable', name],
  ['account', 'enable', name],
  ['account', 'token', 'add', name, '--name', 'a backup', '--scope', 'ledger:read'],
  ['account', 'token', 'list', name],
  ['account', 'certificate', 'add', name, '--subject', `CN=${name}, O=Example`],
  ['account', 'certificate', 'list', name],
  ['account', 'grant', name, 'reports', '--write-only'],
  ['account', 'show', name],
]

/** Each command that reads; nothing of what it shows changes between two ways of asking. */
const readings: readonly string[][] = [
  ['account', 'list'],
  ['account', 'show', 'still', '--json'],
  ['account', 'token', 'list', 'still', '--json'],
  ['account', 'certificate', 'list', 'still', '--json'],
  ['account', 'show', 'nobody'],
  ['collection', 'list'],
  ['collection', 'list', '--json'],
  ['collection', 'show', 'tid'],
  ['collection', 'show', 'nothing'],
  ['collection', 'apply', '--dry-run', seeds],
  ['apply', '--dry-run', '--json', seeds],
  ['source', 'list'],
  ['source', 'show', 'otx'],
  ['ledger'],
  ['ledger', '--account', 'nobody'],
  ['secret', 'list'],
]

async function runAll(run: Run, commands: readonly (readonly string[])[], name = 'still') {
  return (await run(...commands)).map(
    ({ code, stdout, stderr }, index) =>
      `${masked(String(commands[index]?.join(' ')), name)}: ${code}\n${masked(`${stdout}${stderr}`, name)}`,
  )
}

async function prepare(t: Test, kind: StoreKind) {
  const { databaseUrl, dataDir } = await makeStore(t, kind)
  const folder = dataDir || (await makeFolder(t))
  const settings: Settings & { TAXIWAY_DATA_DIR: string } = {
    TAXIWAY_DATA_DIR: folder,
    TAXIWAY_ADMIN_PASSWORD: secret('the first administrator’s password'),
    ...(databaseUrl !== undefined && { TAXIWAY_DATABASE_URL: databaseUrl }),
  }
  return { folder, settings, run: runner(t, settings) }
}

/** A token for an account that is asked for nothing else, and a way to ask with it. */
async function askOverTcp(t: Test, { folder, run }: { folder: string; run: Run }, url: string) {
  const [, made] = await run(
    ['account', 'add', 'remote', '--role', 'administrator', '--passwordless'],
    ['account', 'token', 'add', 'remote', '--name', 'tests'],
  )
  const file = join(folder, 'token')
  await writeFile(file, String(made?.stdout.trim()), { mode: 0o600 })
  // Neither the folder nor the store: the server alone.
  const remote = runner(t, {
    TAXIWAY_URL: url,
    TAXIWAY_TOKEN_FILE: file,
    TAXIWAY_DATA_DIR: await makeFolder(t),
  })
  return { remote, file }
}

const still = [
  ['account', 'add', 'still', '--passwordless', '--read', 'tid'],
  ['account', 'certificate', 'add', 'still', '--fingerprint', fingerprint],
]

t.test('on PostgreSQL, each command gives the same over each way', async (t) => {
  const place = await prepare(t, 'postgresql')
  const { run, settings, folder } = place
  await runAll(run, [['apply', seeds], ...still])
  const service = await startService(t, settings)
  const { remote, file } = await askOverTcp(t, place, service.url)
  // PostgreSQL takes several processes: with another folder a command finds no server.
  const apart = await makeFolder(t)
  const alone = runner(t, { ...settings, TAXIWAY_DATA_DIR: apart })
  const ways = { tcp: remote, alone }

  await t.test('what reads', async (t) => {
    const wanted = await runAll(run, readings)
    t.match(wanted[4], /: 3\ntaxiway: there is no account "nobody"/)
    for (const [way, ask] of Object.entries(ways)) {
      t.strictSame(await runAll(ask, readings), wanted, way)
    }
  })

  await t.test('what changes', async (t) => {
    const wanted = await runAll(run, changes('abc0'), 'abc0')
    t.match(wanted[0], /: 0\nPASSWORD\n$/)
    t.match(wanted[1], /: 6\ntaxiway: there is an account "NAME" already\n$/)
    t.match(wanted[4], /: 3\ntaxiway: done before that: esa-network\ntaxiway: there is no coll/)
    t.match(wanted[12], /: 0\nTOKEN\nIt is shown this once and ends at MOMENT/)
    t.match(
      wanted.at(-1),
      /may poll +esa-network, everything\n +may change +esa-network, reports\n/,
    )
    for (const [index, [way, ask]] of Object.entries(ways).entries()) {
      const name = `abc${index + 1}`
      t.strictSame(await runAll(ask, changes(name), name), wanted, way)
    }
  })

  await t.test('who is asked, and as whom one is answered', async (t) => {
    const asked = [['whoami'], ['health'], ['health', '--json']]
    const [bySocket, health, json] = await run(...asked)
    t.match(bySocket?.stdout, join(folder, 'taxiway.sock'))
    t.match(health?.stdout, /^service +version .* since /)
    const holder = new RegExp(`/${service.process.pid}/`)
    t.match(JSON.parse(String(json?.stdout)).leases, [{ holder }])
    const [byToken] = await remote(...asked)
    t.match(byToken?.stdout, /^remote: administrator\n +asks +http:.*\n.*a token/)
    const [byStore, none] = await alone(...asked)
    t.match(byStore?.stdout, /no service answers here/)
    t.match(none?.stdout, /^service +none answers here/)
  })

  await t.test('what one may not do ends with 4, and who cannot be asked with 5', async (t) => {
    const [made] = await run([
      'account',
      'token',
      'add',
      'remote',
      '--name',
      'few',
      '--scope',
      'collections:read',
    ])
    const limited = join(folder, 'limited')
    await writeFile(limited, String(made?.stdout))
    const wrong = join(folder, 'wrong')
    await writeFile(wrong, `taxiway_${'x'.repeat(43)}`)
    const at = (url: string, tokenFile = file) => ['--url', url, '--token-file', tokenFile]
    const [few, list, unknown, nobody, plain, tokenless, misspelt] = await alone(
      ['account', 'list', ...at(service.url, limited)],
      ['collection', 'list', ...at(service.url, limited)],
      ['collection', 'list', ...at(service.url, wrong)],
      ['whoami', ...at('http://127.0.0.1:1')],
      ['whoami', ...at('http://192.0.2.7')],
      ['whoami', '--url', service.url],
      ['account', 'list', '--colour'],
    )
    t.match(few, { code: 4, stderr: /needs the permission accounts:read/ })
    t.equal(list?.code, 0)
    t.match(unknown, { code: 4, stderr: /^taxiway: / })
    t.match(nobody, { code: 5, stderr: /cannot be reached: nothing listens there/ })
    t.match(plain, { code: 2, stderr: /not sent to 192\.0\.2\.7 without TLS/ })
    t.match(tokenless, { code: 2, stderr: /wants a token/ })
    t.match(misspelt, { code: 2, stderr: /unknown option/ })
  })

  await t.test('the feeds follow what is applied before the command ends', async (t) => {
    const narrow = join(folder, 'narrow.yaml')
    await writeFile(narrow, 'collections:\n  - { name: tid, description: x, rule: { tag: a } }\n')
    const [applied, shown, again] = await run(
      ['collection', 'apply', narrow],
      ['collection', 'show', 'tid', '--json'],
      ['apply', narrow],
    )
    t.equal(applied?.code, 0)
    t.match(applied?.stdout, /^~ tid: changed\n/)
    t.match(applied?.stdout, /^tid has 0 blocks now, as many as before\.$/m)
    t.match(JSON.parse(String(shown?.stdout)), { behind: false, rule: { tag: 'a' } })
    t.match(again, { code: 0, stdout: /^= tid: unchanged$/m })
  })

  await t.test('the last administrator stays', async (t) => {
    const [, last] = await run(
      ['account', 'disable', 'remote'],
      ['account', 'role', 'admin', 'reader'],
    )
    t.match(last, { code: 6, stderr: /is the last administrator/ })
  })
})

t.test('on the embedded database, beside a running server nothing opens the store', async (t) => {
  const place = await prepare(t, 'embedded')
  const { run, settings, folder } = place
  const looks = [
    ['account', 'show', 'still'],
    ['collection', 'list'],
  ]
  const [, made, , ...alone] = await runAll(run, [['apply', seeds], ...still, ...looks])
  t.match(made, /: 0\nmade NAME\n/)
  // Else the service could not start with a key of its own.
  const [keys, rotated] = await run(['secret', 'list'], ['secret', 'rotate'])
  t.match(keys, { code: 0, stdout: /^The store has no key yet: .* first start\.$/m })
  t.match(rotated, { code: 2, stderr: /^taxiway: the store has no secret key yet/ })
  const service = await startService(t, settings)
  const lock = join(folder, 'taxiway.lock')
  const [{ ino, mtimeMs }, holder] = [await lstat(lock), await readFile(lock, 'utf8')]
  const { remote } = await askOverTcp(t, place, service.url)
  for (const ask of [run, remote]) {
    t.strictSame(await runAll(ask, looks), alone)
  }
  for (const { code, stderr } of await run(...readings)) t.ok(code === 0 || code === 3, stderr)
  t.match(JSON.parse(holder), { pid: service.process.pid })
  t.match(await lstat(lock), { ino, mtimeMs }, 'nobody else has had the lock')
  const locks = (await readdir(folder)).filter((name) => name.startsWith('taxiway.lock'))
  t.strictSame(locks, ['taxiway.lock'])

  const [refused] = await run(['rejections'])
  t.match(refused, {
    code: 5,
    stderr:
      /^taxiway: process \d+ has .* open, [\s\S]*needs the store to itself\. These ask the running service .*: account,.* inbox, subscription,/,
  })
})

t.test(
  'a server whose socket does not answer: the lock refuses, and tells what to do',
  async (t) => {
    const { run, folder } = await prepare(t, 'embedded')
    // As a service that could not make its socket.
    t.teardown(await lockDataDir(folder))
    t.match(await run(['account', 'list']), [
      {
        code: 5,
        stderr:
          /^taxiway: process \d+ has [\s\S]*do not stop it: it answers commands at .*taxiway\.sock, and may still be starting/,
      },
    ])
  },
)

t.test(
  'without a server, apply ends with an error where the feeds cannot follow, and finishes it later',
  async (t) => {
    const { run, settings } = await prepare(t, 'postgresql')
    await run(['apply', seeds])
    const client = new pg.Client({ connectionString: settings.TAXIWAY_DATABASE_URL })
    await client.connect()
    t.teardown(() => client.end())
    const query = (text: string) => client.query(text)
    await query(`
    create function refuse() returns trigger language plpgsql
      as $$ begin raise exception 'the disk is full'; end $$;
    create trigger refuse before update of reconciled_version on collections
      execute function refuse();`)
    const narrow = join(await makeFolder(t), 'narrow.yaml')
    await writeFile(narrow, 'collections:\n  - { name: tid, description: x, rule: { tag: a } }\n')
    const applied = await runTaxiway(t, ['apply', narrow], settings)
    const [shown] = await run(['collection', 'show', 'tid', '--json'])
    t.match(applied, {
      code: 1,
      stdout: /^~ tid: changed$/m,
      stderr:
        /the disk is full[\s\S]*^taxiway: the settings are stored, .* follow them yet: tid\. /m,
    })
    t.match(JSON.parse(String(shown?.stdout)), { behind: true, rule: { tag: 'a' } })

    const again = await runTaxiway(t, ['apply', narrow], settings)
    t.match(again, { code: 1, stdout: /^= tid: unchanged$/m, stderr: /the disk is full/ })
    await query('drop trigger refuse on collections')
    const [mended, followed] = await run(['apply', narrow], ['collection', 'show', 'tid', '--json'])
    t.match(mended, { code: 0, stdout: /^= tid: unchanged$/m })
    t.match(JSON.parse(String(followed?.stdout)), { behind: false })
  },
)

t.test('a server of another version is asked, and one that is none is told', async (t) => {
  const { run, folder } = await prepare(t, 'embedded')
  let headers: Record<string, string> = { 'taxiway-version': '99.0.0', 'taxiway-store': 'embedded' }
  const other = createServer((request, response) => {
    const isProbe = request.url === '/livez'
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(isProbe ? '{}' : '{"accounts":[],"next":null}')
  })
  await new Promise<void>((done) => other.listen(join(folder, 'taxiway.sock'), done))
  t.teardown(() => other.close())
  const [asked] = await run(['account', 'list'])
  t.match(asked, {
    code: 0,
    stdout: /^ACCOUNT/,
    stderr: /this is version .* and the server at .* is 99\.0\.0/,
  })
  headers = {}
  t.match(await run(['account', 'list']), [{ code: 5, stderr: /is no Taxiway/ }])
})
