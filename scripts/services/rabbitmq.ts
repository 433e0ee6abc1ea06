import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import amqp from 'amqplib'
import {
  findFreePort,
  findProcessOwner,
  findProgram,
  makeServiceFolder,
  type Service,
  spawnService,
  waitUntilReady,
} from './process.ts'

// Debian's /usr/sbin/rabbitmq-server is a wrapper that insists on the account of its system
// service; the script it wraps does not.
const debianFolder = '/usr/lib/rabbitmq/bin'

/** @returns the path of the server's start script */
export function findRabbitmq(): string | undefined {
  const script = findProgram('rabbitmq-server', [debianFolder])
  const needed = [script, findProgram('epmd'), findProgram('erl')]
  return needed.includes(undefined) ? undefined : script
}

/** Starts a RabbitMQ node on private ports and in a private folder; all are gone after `stop`. */
export async function startRabbitmq(script: string): Promise<Service> {
  const owner = findProcessOwner(['rabbitmq'])
  const folder = makeServiceFolder('rabbitmq', owner)
  const [port, distributionPort, epmdPort] = await Promise.all([
    findFreePort(),
    findFreePort(),
    findFreePort(),
  ])
  const user = 'taxiway'
  const password = randomBytes(18).toString('hex')
  const config = join(folder, 'rabbitmq.conf')
  writeFileSync(
    config,
    [
      `listeners.tcp.local = 127.0.0.1:${port}`,
      `default_user = ${user}`,
      `default_pass = ${password}`,
      'log.console = true',
      'log.file = false',
      // A machine with little free disk blocks publishers otherwise, and tests hang.
      'disk_free_limit.absolute = 50MB',
      '',
    ].join('\n'),
  )
  const plugins = join(folder, 'enabled_plugins')
  writeFileSync(plugins, '[].\n')

  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `taxiway-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  }
  // Erlang would start this daemon itself and leave it running for ever.
  const epmd = spawnService(String(findProgram('epmd')), ['-port', String(epmdPort)], {
    owner,
    env,
    cwd: folder,
  })
  const server = spawnService(script, [], { owner, env, cwd: folder })
  const url = `amqp://${user}:${password}@127.0.0.1:${port}`
  const stop = async () => {
    await server.kill()
    await epmd.kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await waitUntilReady('RabbitMQ', server, () => connect(url), 120_000)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
}

/** @throws when the broker does not let us in */
export async function connect(url: string): Promise<void> {
  const connection = await amqp.connect(url, { timeout: 5_000 })
  await connection.close()
}
