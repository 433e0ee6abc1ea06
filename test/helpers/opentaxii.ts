/**
 * OpenTAXII as a peer, on the same PostgreSQL server. It runs as its documentation runs it, by gunicorn with
 * sync workers.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import {
  findFreePort,
  makeServiceFolder,
  spawnService,
  waitUntilReady,
} from '../../scripts/services/process.ts'
import { openTaxiiConfig, openTaxiiData, paths } from './opentaxii/config.ts'

export interface OpenTaxiiOptions {
  /** an empty PostgreSQL database, which keeps what is stored there */
  readonly databaseUrl: string
  /** of an environment with scripts/python-requirements.txt */
  readonly python: string
  /** STIX 1.2 packages as they stand in a Content element */
  readonly blocks: AsyncIterable<string> | Iterable<string>
  /** of the first block, a Date's value; default: 2025-01-01 */
  readonly firstLabelMs?: number
  /** default: one response holds all of them */
  readonly blocksPerPart?: number
  /** whether the collection can be sent to; default: it cannot */
  readonly inbox?: boolean
  /** processes that answer; default: 2 */
  readonly workers?: number
  readonly log?: (line: string) => void
}

export interface OpenTaxii {
  readonly version: string
  /** the poll service's address */
  readonly url: string
  readonly discoveryUrl: string
  readonly collectionsUrl: string
  /** answers where the collection can be sent to */
  readonly inboxUrl: string
  readonly collection: string
  readonly username: string
  readonly password: string
  /** values of an Authorization header: `basic` costs it a scrypt hash a request, `bearer` none */
  readonly authorization: { readonly basic: string; readonly bearer: string }
  readonly blockCount: number
  /** `at(n)` is the label of block n, counted from 0; blocks lie 1 ms apart */
  readonly labels: { readonly first: string; readonly last: string; at(n: number): string }
  stop(): Promise<void>
  /** gunicorn's own process and its workers; outside Linux its own alone */
  pids(): number[]
}

const collection = 'indicators'
const username = 'bench'
const stix12 = 'urn:stix.mitre.org:xml:1.2'
const labelStepMs = 1
const maxFillMs = 15 * 60_000
/** Gunicorn's default of 30 s kills the worker that is in the midst of a large poll. */
const workerTimeoutSeconds = 900

/**
 * Fills the database and serves it on a private port of 127.0.0.1.
 * @throws with what OpenTAXII printed, when it cannot be filled or started; nothing is left running
 */
export async function startOpenTaxii(options: OpenTaxiiOptions): Promise<OpenTaxii> {
  const { databaseUrl, python, blocks, log = () => {}, blocksPerPart, workers = 2 } = options
  const firstLabelMs = options.firstLabelMs ?? Date.UTC(2025, 0, 1)
  const labelAt = (n: number) => new Date(firstLabelMs + n * labelStepMs).toISOString()
  const folder = makeServiceFolder('opentaxii', undefined)
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  try {
    const password = randomBytes(18).toString('hex')
    const port = await findFreePort()
    const configFile = join(folder, 'config.json')
    const dataFile = join(folder, 'data.json')
    const config = openTaxiiConfig({ databaseUrl, port, secret: randomBytes(32).toString('hex') })
    await writeFile(configFile, JSON.stringify(config), { mode: 0o600 })
    const data = openTaxiiData({
      ...{ collection, binding: stix12, username, password, blocksPerPart },
      inbox: options.inbox ?? false,
    })
    await writeFile(dataFile, JSON.stringify(data), { mode: 0o600 })
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
      PYTHONWARNINGS: 'ignore',
      OPENTAXII_CONFIG: configFile,
    }

    const begin = performance.now()
    const filled = await fill({ python, dataFile, blocks, firstLabelMs, env, folder })
    const seconds = ((performance.now() - begin) / 1000).toFixed(1)
    log(`OpenTAXII ${filled.version} has ${filled.blocks} blocks, stored in ${seconds} s`)

    const server = spawnService(
      python,
      [
        ...['-m', 'gunicorn', 'opentaxii.http:app', '--config', 'python:opentaxii.http'],
        ...['--workers', String(workers), '--worker-class', 'sync', '--bind', `127.0.0.1:${port}`],
        ...['--timeout', String(workerTimeoutSeconds), '--worker-tmp-dir', folder],
        '--no-control-socket',
      ],
      { owner: undefined, env, cwd: folder },
    )
    const stop = async () => {
      await server.kill()
      await removeFolder()
    }
    const origin = `http://127.0.0.1:${port}`
    try {
      let bearer = ''
      await waitUntilReady('OpenTAXII', server, async () => {
        bearer = await fetchBearer(origin, password)
      })
      return {
        version: filled.version,
        url: origin + paths.poll,
        discoveryUrl: origin + paths.discovery,
        collectionsUrl: origin + paths.collections,
        inboxUrl: origin + paths.inbox,
        collection,
        username,
        password,
        authorization: { basic: `Basic ${btoa(`${username}:${password}`)}`, bearer },
        blockCount: filled.blocks,
        labels: { first: labelAt(0), last: labelAt(filled.blocks - 1), at: labelAt },
        stop,
        pids: () => withChildren(server.child.pid as number),
      }
    } catch (error) {
      await stop()
      throw error
    }
  } catch (error) {
    await removeFolder()
    throw error
  }
}

interface Filled {
  readonly blocks: number
  readonly version: string
}

async function fill(options: {
  python: string
  dataFile: string
  blocks: OpenTaxiiOptions['blocks']
  firstLabelMs: number
  env: NodeJS.ProcessEnv
  folder: string
}): Promise<Filled> {
  const script = fileURLToPath(new URL('./opentaxii/fill.py', import.meta.url))
  const labels = ['--base', new Date(options.firstLabelMs).toISOString().replace('Z', '+00:00')]
  const step = ['--step-micros', String(labelStepMs * 1000)]
  const what = ['--data', options.dataFile, '--collection', collection, '--binding', stix12]
  const child = spawn(options.python, [script, ...what, ...labels, ...step], {
    env: options.env,
    cwd: options.folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: maxFillMs,
    killSignal: 'SIGKILL',
  })
  const closed = once(child, 'close')
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk).slice(-20_000)
  })
  const sent = pipeline(Readable.from(frames(options.blocks), { objectMode: false }), child.stdin)
  const [sending, ending] = await Promise.allSettled([sent, closed])
  if (ending.status === 'rejected') throw ending.reason
  const [code, signal] = ending.value
  if (code !== 0) throw new Error(`filling OpenTAXII failed (${code ?? signal}):\n${errors}`)
  if (sending.status === 'rejected') throw sending.reason
  return JSON.parse(output)
}

/** Each block behind its length in four bytes, some hundreds of them in a chunk. */
async function* frames(blocks: OpenTaxiiOptions['blocks']): AsyncGenerator<Buffer> {
  let pending: Buffer[] = []
  let bytes = 0
  for await (const block of blocks) {
    const content = Buffer.from(block)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(content.length)
    pending.push(length, content)
    bytes += content.length
    if (bytes >= 1_000_000) {
      yield Buffer.concat(pending)
      pending = []
      bytes = 0
    }
  }
  if (pending.length > 0) yield Buffer.concat(pending)
}

async function fetchBearer(origin: string, password: string): Promise<string> {
  const { statusCode, body } = await request(`${origin}/management/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`OpenTAXII's /management/auth answers ${statusCode}`)
  return `Bearer ${JSON.parse(text).token}`
}

function withChildren(pid: number): number[] {
  if (process.platform !== 'linux') return [pid]
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}
