import { spawn } from 'node:child_process'
import { scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { createReadJudging } from '../../src/intake/judging.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import type { CollectionSettings } from '../../src/model/collection.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import { createAccount } from '../../src/store/accounts.ts'
import { openStore } from '../../src/store/db.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { evidenceEnvironment, keepEvidence } from '../helpers/evidence.ts'
import { secret } from '../helpers/secrets.ts'
import { makeStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { makeReport } from './feed-reports.ts'
import type { Known } from './xml-messages.ts'

interface Teardown {
  teardown(work: () => Promise<void>): void
}

/** `taxiway serve` in a process of its own, with collections to poll and to push to. */
export interface FuzzedServer {
  readonly url: string
  readonly known: Known
  readonly authorization: string
  /** what it must not do, as it is seen: errors in its log, its own end */
  readonly faults: readonly string[]
  /** of the process, in MB; 0 where the system does not tell */
  residentMb(): number
  stop(): Promise<void>
}

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'
const collections: readonly CollectionSettings[] = [
  aCollection({ bindings: [stix12, stix111] }),
  aCollection({ name: 'paged', pageSize: 10, packaging: 'report' }),
  aCollection({ name: 'set', type: 'data-set' }),
  aCollection({ name: 'pushed', rule: { any: [] }, inbox: true, maxTlp: 'red', pageSize: 50 }),
  aCollection({ name: 'pushed-too', rule: { any: [] }, inbox: true, bindings: [stix111] }),
]
const known: Known = {
  collections: collections.map(({ name }) => name),
  inboxes: collections.filter(({ inbox }) => inbox).map(({ name }) => name),
}
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export async function startFuzzedServer(t: Teardown): Promise<FuzzedServer> {
  const password = secret('password of the fuzzer')
  const { databaseUrl = '' } = await makeStore(t, 'postgresql')
  await furnish(databaseUrl, password)
  const child = spawn(process.execPath, ['--max-semi-space-size=8', main, 'serve'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: tmpdir(),
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      TZ: 'UTC',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...evidenceEnvironment(),
      TAXIWAY_DATABASE_URL: databaseUrl,
      TAXIWAY_SECRET_KEY: secret('secret key'),
      TAXIWAY_PORT: '0',
    },
  })
  const faults: string[] = []
  const lines: string[] = []
  let stopping = false
  const ended = once(child, 'close')
  const listening = new Promise<string>((resolve, reject) => {
    const hear = (line: string) => {
      lines.push(line)
      if (lines.length > 1_000) lines.shift()
      const [, url] = /TAXII discovery is at (http\S+)\/taxii\/discovery/.exec(line) ?? []
      if (url) resolve(url)
      // 40 is a warning, 50 an error, 60 the end.
      if (!/^\{"level":[1-4]0,/.test(line)) faults.push(`the server logged: ${line}`)
    }
    // Not by readline, for which U+2028 in a message that is refused ends a line, too.
    let rest = ''
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      const all = `${rest}${piece}`.split('\n')
      rest = all.pop() ?? ''
      for (const line of all) hear(line)
    })
    child.once('close', (code, signal) => {
      keepEvidence('log', 'standard error of the fuzzed server', lines.join('\n'))
      if (!stopping)
        faults.push(`the server ended: ${signal ?? code}\n${lines.slice(-20).join('\n')}`)
      reject(new Error(lines.join('\n')))
    })
  })
  const stop = async () => {
    stopping = true
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }
  t.teardown(stop)
  return {
    url: await listening,
    known,
    authorization: `Basic ${Buffer.from(`fuzzer:${password}`).toString('base64')}`,
    faults,
    residentMb: () => readResidentMb(child.pid),
    stop,
  }
}

async function furnish(databaseUrl: string, password: string): Promise<void> {
  const store = await openStore({ databaseUrl, dataDir: '' })
  const intake = {
    db: store.db,
    producer: { name: 'Taxiway', idNamespace: defaultIdNamespace },
    readJudging: createReadJudging(),
    clock: () => new Date(),
  }
  await applyCollections(store.db, collections)
  await reconcileCollections(intake)
  const report = { source: 'publisher-1', report: 1, version: 1, size: 60, seed: 1 }
  await takeIn(intake, {
    sourceId: await getSourceId(store.db, report.source),
    reports: [makeReport(report, Date.now())],
    rejections: [],
  })
  // As stored, but cheap: it is the messages that are tried here.
  const salt = Buffer.from('salt')
  const key = scryptSync(password, salt, 32, { N: 2, r: 1, p: 1 }).toString('base64url')
  const hash = `scrypt$2$1$1$${salt.toString('base64url')}$${key}`
  await createAccount(store.db, 'fuzzer', hash, 'administrator')
  await store.close()
}

function readResidentMb(pid: number | undefined): number {
  try {
    const [, kilobytes] =
      /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round(Number(kilobytes ?? 0) / 1024)
  } catch {
    return 0
  }
}
