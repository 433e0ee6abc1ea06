import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { postgresSettings } from './postgres.ts'
import { run, runOrThrow, type Service } from './process.ts'

/** @returns whether a Docker engine answers; the client alone is of no use */
export async function hasDockerEngine(): Promise<boolean> {
  return (await run('docker', ['info'], { timeoutMs: 10_000 })).code === 0
}

export function startPostgresContainer(connect: (url: string) => Promise<void>): Promise<Service> {
  const password = randomBytes(18).toString('hex')
  return startContainer({
    service: 'postgres',
    port: 5432,
    env: { POSTGRES_USER: 'taxiway', POSTGRES_PASSWORD: password },
    arguments: postgresSettings,
    url: (address) => `postgres://taxiway:${password}@${address}/postgres`,
    connect,
  })
}

export function startRabbitmqContainer(connect: (url: string) => Promise<void>): Promise<Service> {
  const password = randomBytes(18).toString('hex')
  return startContainer({
    service: 'rabbitmq',
    port: 5672,
    env: { RABBITMQ_DEFAULT_USER: 'taxiway', RABBITMQ_DEFAULT_PASS: password },
    arguments: [],
    url: (address) => `amqp://taxiway:${password}@${address}`,
    connect,
  })
}

/** Starts the image that docker-compose.yml names for a service, on a private port of loopback. */
async function startContainer(container: {
  service: string
  port: number
  env: Record<string, string>
  arguments: readonly string[]
  url: (address: string) => string
  connect: (url: string) => Promise<void>
}): Promise<Service> {
  const image = readImage(container.service)
  const env = Object.entries(container.env).flatMap(([name, value]) => ['-e', `${name}=${value}`])
  const publish = ['-p', `127.0.0.1::${container.port}`]
  const started = await runOrThrow('docker', [
    ...['run', '--rm', '-d', ...publish, ...env, image],
    ...container.arguments,
  ])
  const id = started.trim()
  const stop = async () => {
    await run('docker', ['rm', '-f', '-v', id])
  }
  try {
    const ports = await runOrThrow('docker', ['port', id, String(container.port)])
    const url = container.url(String(ports.trim().split('\n')[0]))
    await waitUntilConnected(image, url, container.connect)
    return { url, stop }
  } catch (error) {
    const logs = await run('docker', ['logs', '--tail', '50', id])
    await stop()
    throw new Error(`${image} did not start:\n${logs.stdout}${logs.stderr}`, { cause: error })
  }
}

async function waitUntilConnected(
  image: string,
  url: string,
  connect: (url: string) => Promise<void>,
): Promise<void> {
  const end = Date.now() + 120_000
  for (;;) {
    try {
      return await connect(url)
    } catch (error) {
      if (Date.now() > end) throw new Error(`${image} is not ready`, { cause: error })
      await delay(250)
    }
  }
}

function readImage(service: string): string {
  const compose = parse(
    readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8'),
  ) as { services: Record<string, { image?: string }> }
  const image = compose.services[service]?.image
  if (image === undefined) throw new Error(`docker-compose.yml names no image for ${service}`)
  return image
}
