import { randomBytes } from 'node:crypto'
import { chownSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import {
  findFreePort,
  findProcessOwner,
  findProgram,
  makeServiceFolder,
  run,
  runOrThrow,
  type Service,
  spawnService,
  waitUntilReady,
} from './process.ts'

const oldestVersion = 15
const debianFolder = '/usr/lib/postgresql'

/** @returns the folder of PostgreSQL's programs, the newest that is new enough */
export async function findPostgres(): Promise<string | undefined> {
  const onPath = findProgram('postgres')
  const folders = [...debianFolders(), ...(onPath === undefined ? [] : [dirname(onPath)])]
  for (const folder of folders) {
    const programs = ['postgres', 'initdb'].map((name) => findProgram(name, [folder]))
    if (programs.some((program) => program === undefined || dirname(program) !== folder)) continue
    const version = await run(join(folder, 'postgres'), ['--version'])
    if (Number(/(\d+)/.exec(version.stdout)?.[1] ?? 0) >= oldestVersion) return folder
  }
  return undefined
}

function debianFolders(): string[] {
  try {
    return readdirSync(debianFolder)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(debianFolder, version, 'bin'))
  } catch {
    return []
  }
}

/** Starts a PostgreSQL server on a private port and folder; both are gone after `stop`. */
export async function startPostgres(programs: string): Promise<Service> {
  const owner = findProcessOwner(['postgres'])
  const folder = makeServiceFolder('postgres', owner)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const password = randomBytes(18).toString('hex')
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid)

    const data = join(folder, 'data')
    const env = { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8', TZ: 'UTC' }
    const initdb = ['-D', data, '-U', 'taxiway', '--pwfile', passwordFile, '--no-sync']
    const formats = ['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8']
    await runOrThrow(join(programs, 'initdb'), [...initdb, ...formats], { owner, env })

    const port = await findFreePort()
    const server = spawnService(
      join(programs, 'postgres'),
      ['-D', data, '-p', String(port), ...settings],
      { owner, env, cwd: folder },
    )
    const url = `postgres://taxiway:${password}@127.0.0.1:${port}/postgres`
    const stop = async () => {
      await server.kill()
      remove()
    }
    try {
      await waitUntilReady('PostgreSQL', server, () => connect(url))
    } catch (error) {
      await stop()
      throw error
    }
    return { url, stop }
  } catch (error) {
    remove()
    throw error
  }
}

/**
 * Tests kill Taxiway, never this server, so nothing here has to survive a crash: without fsync a database is created
 * in 30 ms rather than 200. Tests also run their larger queries once in each of their databases, and compile them (jit)
 * for longer than they run; what a benchmark measures is compiled as anywhere. To drop a database takes longer the more
 * buffers there are, and the log may stand in memory.
 */
export const postgresSettings = [
  ...['max_connections=200', 'autovacuum_naptime=10s', 'fsync=off', 'full_page_writes=off'],
  ...(process.argv[2] === 'tap'
    ? [
        ...['jit=off', 'synchronous_commit=off', 'wal_level=minimal', 'max_wal_senders=0'],
        ...['shared_buffers=64MB', 'max_wal_size=256MB'],
      ]
    : []),
  // It is killed when the tests end: what it shares goes with its folder then.
  'dynamic_shared_memory_type=mmap',
].flatMap((setting) => ['-c', setting])

const settings = [
  ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
  ...postgresSettings,
]

/** @throws when the server does not answer a query */
export async function connect(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    await client.query('SELECT 1')
  } finally {
    await client.end()
  }
}
