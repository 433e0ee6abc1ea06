import { BlockList, isIP } from 'node:net'
import type { Config } from './config.ts'
import type { Log } from './log.ts'
import { ConfigError } from './model/errors.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** @param address an IP address; 0.0.0.0 and :: are all of the machine's, so they are none */
export function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Without TLS passwords and feeds go over the network as they are.
 * @param address what `config.host` resolved to
 * @throws ConfigError unless the settings allow that in so many words
 */
export function checkPlainHttp(config: Config, address: string, log: Pick<Log, 'warn'>): void {
  if (config.tls || isLoopback(address)) return
  const where = address === config.host ? address : `${config.host} (${address})`
  if (!config.allowPlainHttp) {
    throw new ConfigError(
      `TAXIWAY_HOST is ${where}, which others reach, and there is no TLS: passwords would go over the network as they are. Set TAXIWAY_TLS_CERT_FILE and TAXIWAY_TLS_KEY_FILE, or TAXIWAY_HOST=127.0.0.1 behind a proxy on this machine, or TAXIWAY_ALLOW_PLAIN_HTTP=true if something else protects them`,
    )
  }
  log.warn(
    { host: config.host },
    `plain HTTP is spoken at ${where}, which others reach: TAXIWAY_ALLOW_PLAIN_HTTP allows it. Passwords and feeds go over the network as they are`,
  )
}
