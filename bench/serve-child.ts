import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { nodeFlags } from './node-flags.ts'

export interface Served {
  readonly url: string
  readonly pid: number
  /** from the start of the process to the first /readyz that says yes */
  readonly readyMs: number
  stop(): Promise<void>
}

/** The service as an operator starts it. */
export async function serve(databaseUrl: string, adminPassword: string): Promise<Served> {
  const dataDir = await mkdtemp(join(tmpdir(), 'taxiway-bench-'))
  const port = await freePort()
  const begin = performance.now()
  const child = spawn(process.execPath, [...nodeFlags, 'src/main.ts', 'serve'], {
    env: {
      PATH: process.env.PATH,
      TAXIWAY_DATABASE_URL: databaseUrl,
      TAXIWAY_DATA_DIR: dataDir,
      TAXIWAY_PORT: String(port),
      TAXIWAY_ADMIN_PASSWORD: adminPassword,
      TAXIWAY_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  await untilReady(url, child)
  const readyMs = performance.now() - begin
  return {
    url,
    pid: child.pid as number,
    readyMs,
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
      await rm(dataDir, { recursive: true })
    },
  }
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const ready = await request(`${url}/readyz`).then(
      async ({ statusCode, body }) => {
        await body.dump()
        return statusCode === 200
      },
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`the service ended with code ${child.exitCode}`)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}
