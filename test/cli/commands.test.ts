import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { buildOtxStandin } from '../../src/standins/otx.ts'
import { loadSeedPulses } from '../../src/standins/seeds.ts'
import { countBlocks, poll } from '../helpers/poll.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { validateStix } from '../helpers/python.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import {
  type Ended,
  makeFolder,
  runTaxiway,
  type Settings,
  startService,
} from '../helpers/taxiway.ts'
import { createCommandRunner } from './command-runner.ts'

const seeds = fileURLToPath(new URL('../../seeds/collections.yaml', import.meta.url))
const { pulses } = loadSeedPulses(new Date())
const apiKey = secret('OTX key')
const standin = buildOtxStandin({ pulses, apiKey })
const otxUrl = await standin.app.listen({ host: '127.0.0.1', port: 0 })
t.teardown(() => standin.app.close())
const otx = {
  TAXIWAY_OTX_URL: otxUrl,
  TAXIWAY_OTX_API_KEY: apiKey,
  TAXIWAY_OTX_FIRST_SYNC_DAYS: '36500',
  TAXIWAY_LOG_LEVEL: 'debug',
  TAXIWAY_ADMIN_PASSWORD: secret('password of admin'),
}
const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'
const wholeWalk = new RegExp(`"pulses":${pulses.length},.*took in a part of OTX`)

interface Row {
  readonly [column: string]: string
}

/** Reads a printed table: columns are parted by two blanks or more. */
function readTable(text: string): Row[] {
  const [headings = '', ...lines] = text.trimEnd().split('\n')
  const starts = [...headings.matchAll(/\S+(?: \S+)*/g)].map((match) => ({
    name: match[0],
    at: match.index,
  }))
  return lines.map((line) =>
    Object.fromEntries(
      starts.map(({ name, at }, index) => [name, line.slice(at, starts[index + 1]?.at).trim()]),
    ),
  )
}

// A process for a command takes a second to start, and two on the embedded database: some have one of their own.
for (const kind of ['PostgreSQL', 'the embedded database'] as const) {
  t.test(`on ${kind}`, async (t) => {
    const folder = await makeFolder(t)
    const settings: Settings =
      kind === 'PostgreSQL'
        ? {
            TAXIWAY_DATABASE_URL: (await createTestDatabase(t)).url,
            TAXIWAY_DATA_DIR: folder,
          }
        : { TAXIWAY_DATA_DIR: folder }
    const thorough = kind === 'PostgreSQL'
    const runCommand = createCommandRunner(t, settings)
    const run = (...args: string[]) => runCommand(args)
    const runAlone = (...args: string[]) => runTaxiway(t, args, settings)
    const hold = (args: string[], { code, stdout, stderr }: Ended) => {
      t.equal(stderr, '', args.join(' '))
      t.equal(code, 0, args.join(' '))
      return stdout
    }
    const done = async (...args: string[]) => hold(args, await run(...args))
    const doneAlone = async (...args: string[]) => hold(args, await runAlone(...args))
    /** What it prints is a password that it made, shown once. */
    const made = async (...args: string[]) => {
      const ended = await runCommand(args, { showsSecret: true })
      return noteSecret(hold(args, ended).trim(), 'made password')
    }

    await t.test('migrate makes the schema, and then has nothing to do', async (t) => {
      t.match(await doneAlone('migrate'), /^applied 0001-foundation/)
      if (thorough) t.equal(await done('migrate'), 'nothing to do\n')
    })

    await t.test('apply --dry-run shows the difference and changes nothing', async (t) => {
      const shown = await done('apply', '--dry-run', seeds)
      t.match(shown, /^\+ everything: new$/m)
      t.match(shown, 'Nothing was changed: this was a dry run.')
      t.strictSame(readTable(await done('collection', 'list')), [])
    })

    await t.test('apply makes the collections, and again leaves them', async (t) => {
      t.match(await doneAlone('apply', seeds), /^\+ everything: new$/m)
      const names = readTable(await done('collection', 'list')).map((row) => row.COLLECTION)
      t.ok(names.includes('esa-hashes'))
      const again = await done('apply', seeds)
      t.match(again, /^= everything: unchanged$/m)
      t.notMatch(again, /^[+~]/m)
      t.notMatch(again, 'blocks now')
    })

    if (thorough)
      await t.test(
        'apply of a wrong file: exit code 2, the line, and nothing changed',
        async (t) => {
          const wrong = join(folder, 'wrong.yaml')
          await writeFile(
            wrong,
            'collections:\n  - name: one\n    description: x\n    rule: { all: [] }\n  - name: two\n    descripton: x\n    rule: { all: [] }\n',
          )
          const { code, stdout, stderr } = await runAlone('apply', wrong)
          t.equal(code, 2)
          t.equal(stdout, '')
          t.match(stderr, `taxiway: ${wrong}, line 5: collections.1 lacks "description"`)
          t.notMatch(await done('collection', 'list'), /^one /m)
          t.match(await run('apply', join(folder, 'absent.yaml')), {
            code: 2,
            stderr: /absent\.yaml cannot be read \(ENOENT\)/,
          })
        },
      )

    let esa = ''
    await t.test('accounts are made, told once, and listed', async (t) => {
      esa = await made('account', 'add', 'esa1', '--read', 'esa-network', 'esa-hashes')
      t.ok(esa.length >= 20)
      if (!thorough) return
      t.match(await runAlone('account', 'add', 'esa1'), { code: 6, stderr: /"esa1" already/ })
      t.match(await run('account', 'add', 'a:b'), { code: 2, stderr: /must not hold a colon/ })
      t.match(await runAlone('account', 'add', 'x', '--read', 'nothing'), {
        code: 3,
        stderr: 'taxiway: there is no collection "nothing"\n',
      })
      t.match(await run('account', 'add', 'x', '--role', 'king'), { code: 2, stderr: /--role/ })
      const file = join(folder, 'password')
      await writeFile(file, 'short\n')
      t.match(await run('account', 'add', 'x', '--password-file', file), {
        code: 2,
        stderr: /at least 12 characters/,
      })
      await writeFile(file, 'a password of mine\nand a note\n')
      t.equal(
        await done('account', 'add', 'boss', '--role', 'administrator', '--password-file', file),
        'made boss\n',
      )
      await done('account', 'add', 'tid1', '--client-age-out', '400')
      t.match(await done('account', 'age-out', 'esa1', '1'), /^esa1's client .* for 1 day$/m)
      t.match(await run('account', 'age-out', 'nobody', '1'), { code: 3, stderr: /"nobody"/ })
      for (const days of ['0', '3651', '1.5']) {
        t.match(await run('account', 'age-out', 'esa1', days), { code: 2, stderr: /1 to 3650/ })
      }
      const ageOut = 'CLIENT AGE-OUT'
      t.strictSame(
        readTable(await done('account', 'list')).map((row) => [
          row.ACCOUNT,
          row.ROLE,
          row[ageOut],
          row['MAY POLL'],
        ]),
        [
          ['boss', 'administrator', '30 days', 'every collection'],
          ['esa1', 'reader', '1 day', 'esa-hashes, esa-network'],
          ['tid1', 'reader', '400 days', ''],
        ],
      )
    })

    const service = await startService(t, { ...settings, ...otx })
    if (thorough) {
      t.match(
        service.stderr(),
        /TAXIWAY_LEDGER_DAYS is 90, but the client of \\"tid1\\" keeps .* 400 days.*Raise it to 400/,
      )
    }
    await service.saw(wholeWalk)

    if (thorough) {
      await t.test('a grant and a new password count at once in a running service', async (t) => {
        const login = { name: 'esa1', password: esa }
        t.match((await poll(service.url, login, 'tid')).text, 'NOT_FOUND')
        t.equal(await done('account', 'grant', 'esa1', 'tid'), 'esa1 may poll tid\n')
        t.ok(countBlocks((await poll(service.url, login, 'tid')).text) > 0)
        const password = await made('account', 'passwd', 'esa1')
        t.equal((await poll(service.url, login, 'tid')).status, 401)
        t.equal((await poll(service.url, { ...login, password }, 'tid')).status, 200)
        t.match(await run('account', 'passwd', 'nobody'), {
          code: 3,
          stderr: /no account "nobody"/,
        })
        t.match(await run('account', 'grant', 'nobody', 'tid'), { code: 3 })
        t.match(await run('account', 'grant', 'esa1', 'nothing'), { code: 3 })
      })
    } else {
      await t.test('a second process on the folder is refused, the first one named', async (t) => {
        const { pid } = service.process
        for (const args of [['rejections'], ['serve']]) {
          const { code, stdout, stderr } = await runAlone(...args)
          t.equal(code, 5, args.join(' '))
          t.equal(stdout, '')
          t.match(stderr, new RegExp(`^taxiway: process ${pid} has .* open`))
          t.match(stderr, `kill ${pid}`)
        }
        t.equal((await fetch(`${service.url}/readyz`)).status, 200)
      })
    }
    let polled = ''
    if (!thorough) {
      polled = (await poll(service.url, { name: 'esa1', password: esa }, 'esa-network')).text
    }
    service.process.kill('SIGTERM')
    t.equal((await service.ended).code, 0)

    await t.test('the ledger lists what was polled, and completed before the end', async (t) => {
      const rows = readTable(await doneAlone('ledger', '--account', 'esa1', '--since', '1h'))
      t.match(rows[0], {
        ACCOUNT: 'esa1',
        ADDRESS: '127.0.0.1',
        COLLECTION: thorough ? 'tid' : 'esa-network',
        BINDING: stix111.replace('1.1.1', thorough ? '1.2' : '1.1.1'),
        ASKED: '(, ]',
        CONSIDERED: /^\(, 20.*Z\]$/,
        STATUS: 'complete',
      })
      if (!thorough) {
        t.equal(rows[0]?.BLOCKS, String(countBlocks(polled)))
        t.equal(rows[0]?.BYTES, String(Buffer.byteLength(polled)))
        return
      }
      const [line = ''] = (await done('ledger', '--json', '--limit', '1')).split('\n')
      t.match(JSON.parse(line), {
        account: 'esa1',
        collection: 'tid',
        status: 'complete',
        part: 1,
      })
      t.match(await done('ledger', '--limit', '1'), '(the newest 1; --limit shows more)')
      t.strictSame(readTable(await done('ledger', '--collection', 'nothing-yet')), [])
      t.match(await run('ledger', '--account', 'nobody'), { code: 3, stderr: /"nobody"/ })
      t.match(await run('ledger', '--collection', 'nothing'), { code: 3, stderr: /"nothing"/ })
      for (const since of ['yesterday', '2026-02-30', '7w']) {
        t.match(await run('ledger', '--since', since), { code: 2, stderr: /must be like 2026-/ })
      }
    })

    await t.test('who may hold an indicator is told, and until when', async (t) => {
      const name = thorough ? 'tid' : 'esa-network'
      const sample = await done('collection', 'sample', name)
      const [, written = ''] = /Value condition="Equals"[^>]*>([^<]+)</.exec(sample) ?? []
      const value = written.replaceAll('&amp;', '&')
      const told = await done('indicator', 'holders', value)
      t.match(told, /^ACCOUNT +LAST SENT +MAY HOLD UNTIL +NOW$/m)
      t.match(told, /^esa1 +20\S+Z +20\S+Z +may hold it$/m)
      t.match(told, 'TAXII 1.1 cannot take it back.')
      if (!thorough) return
      const json = JSON.parse(await done('indicator', 'holders', value, '--json'))
      t.equal(json.value, value)
      const [{ account, lastSent, mayHoldUntil }] = json.holders
      t.equal(account, 'esa1')
      t.equal(Date.parse(mayHoldUntil) - Date.parse(lastSent), 86_400_000, 'its age-out is a day')
      t.match(await run('indicator', 'holders', 'unheard-of.example.org'), {
        code: 3,
        stderr: 'taxiway: no indicator in the store: unheard-of.example.org\n',
      })
    })

    await t.test('collection list counts blocks by binding', async (t) => {
      const rows = readTable(await done('collection', 'list'))
      const all = rows.filter((row) => row.COLLECTION === 'everything')
      t.strictSame(
        all.map((row) => row.BINDING),
        ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'],
      )
      t.ok(Number(all[0]?.BLOCKS) > 1_000)
      t.equal(all[0]?.BLOCKS, all[1]?.BLOCKS)
      t.equal(rows.find((row) => row.COLLECTION === 'nothing-yet')?.BLOCKS, '0')
    })

    await t.test('collection sample prints a package that is valid', async (t) => {
      const older = await done('collection', 'sample', 'esa-network')
      t.match(older, /^<stix:STIX_Package [\s\S]*version="1\.1\.1"[\s\S]*\n {2}<stix:Indicators>/)
      t.strictSame(await validateStix([older], '1.1.1'), [[]])
      if (!thorough) return
      const newer = await done('collection', 'sample', 'esa-network', '--binding', stix12)
      t.strictSame(await validateStix([newer], '1.2'), [[]])
      t.match(await run('collection', 'sample', 'nothing'), {
        code: 3,
        stderr: 'taxiway: there is no collection "nothing"\n',
      })
      t.match(await runAlone('collection', 'sample', 'nothing-yet'), {
        code: 1,
        stdout: '',
        stderr: 'taxiway: the collection "nothing-yet" has no block now\n',
      })
      t.match(await run('collection', 'sample', 'tid', '--binding', stix111), {
        code: 2,
        stderr: `taxiway: the collection "tid" is published in ${stix12}\n`,
      })
    })

    await t.test('suppressions are counted, and listed by reason', async (t) => {
      const [reasons = ''] = (await done('suppressions')).split('\n\n')
      const rows = readTable(reasons)
      const reason = 'private-address'
      const row = rows.find((one) => one.REASON === reason)
      t.ok(row?.['WHAT IT MEANS'])
      const json = (await done('suppressions', '--json')).trimEnd().split('\n')
      t.equal(json.length, rows.length)
      const counted = json.map((line) => JSON.parse(line)).find((one) => one.reason === reason)
      t.equal(String(counted.assertions), row?.ASSERTIONS)

      if (!thorough) return
      const listed = (await done('suppressions', '--reason', reason, '--json'))
        .trimEnd()
        .split('\n')
      t.equal(listed.length, counted.assertions)
      for (const line of listed) t.equal(JSON.parse(line).reason, reason)
      const table = await done('suppressions', '--reason', reason, '--limit', '1')
      t.match(table, '(the first 1; --limit shows more)')
      t.equal(readTable(table)[0]?.REASON, reason)
      const all = (await done('suppressions', '--all', '--json', '--limit', '9999')).split('\n')
      t.ok(all.length > listed.length)
      t.match(await run('suppressions', '--reason', 'dislike'), { code: 2, stderr: reason })
      t.match(await run('suppressions', '--limit', '0'), { code: 2, stderr: /1 to 9999999/ })
    })

    if (thorough)
      await t.test('rejections are listed', async (t) => {
        const rows = readTable(await done('rejections'))
        t.ok(rows.length > 1)
        for (const row of rows) t.equal(row.SOURCE, 'otx')
        const json = (await done('rejections', '--json', '--limit', '1')).trimEnd().split('\n')
        t.equal(json.length, 1)
        t.match(JSON.parse(String(json[0])), { source: 'otx', times: Number, place: String })
      })

    await t.test('apply of a narrower rule withdraws, and says how much', async (t) => {
      const file = join(folder, 'narrower.yaml')
      await writeFile(
        file,
        'collections:\n  - name: esa-hashes\n    description: File hashes for a Secure Email Gateway\n    rule: { type: md5 }\n    maxTlp: green\n    bindings: [urn:stix.mitre.org:xml:1.1.1, urn:stix.mitre.org:xml:1.2]\n',
      )
      const dry = await done('apply', '--dry-run', file)
      t.match(dry, /^~ esa-hashes: changed$/m)
      t.match(dry, 'rule: {"type":["md5","sha1","sha256"]} → {"type":"md5"}')
      t.match(dry, /^ {2}everything: not in the file, left as it is$/m)
      t.notMatch(dry, /profile|maxTlp|bindings/)
      const before = readTable(await done('collection', 'list'))
      const applied = await doneAlone('apply', file)
      const withdrawn = Number(/^esa-hashes has \d+ blocks now, (\d+) fewer\.$/m.exec(applied)?.[1])
      t.ok(withdrawn > 0)
      const sum = (rows: Row[]) =>
        rows
          .filter((row) => row.COLLECTION === 'esa-hashes')
          .reduce((total, row) => total + Number(row.BLOCKS), 0)
      t.equal(sum(before) - sum(readTable(await done('collection', 'list'))), withdrawn)
    })
  })
}

t.test('help and version need no settings; what is unknown is refused', async (t) => {
  const help = await runTaxiway(t, ['--help'], {})
  t.equal(help.code, 0)
  for (const command of ['serve', 'demo', 'migrate', 'apply', 'collection', 'account', 'ledger']) {
    t.match(help.stdout, new RegExp(`^  ${command}\\b`, 'm'))
  }
  t.match(await runTaxiway(t, ['--version'], {}), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
  const unknown = await runTaxiway(t, ['srve'], {})
  t.equal(unknown.code, 2)
  t.match(unknown.stderr, /unknown command 'srve'/)
  t.match(unknown.stderr, '--help')
})
