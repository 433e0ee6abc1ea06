import { clientNetwork } from '../security/client-network.ts'
import type { ConnectionLimits } from './limits.ts'

/** Why the server ended a connection that its client had not done with. */
export const endings = [
  'slow head',
  'slow body',
  'not reading',
  'pipelined',
  'made room',
  'too many',
  'too many of address',
] as const
export type Ending = (typeof endings)[number]

/** @param address the client's, or that of the proxy in front of it */
export type OnEnded = (ending: Ending, address: string | undefined) => void

interface EndingsParts {
  readonly limits: ConnectionLimits
  readonly log: { info(details: object, message: string): void }
  /** is told of each, also where the log is not */
  readonly count: (ending: Ending) => void
  /** ms; a clock that does not step */
  readonly now?: () => number
}

const quietMs = 60_000
const maxRemembered = 1_000

/**
 * Logs what is ended, with the setting that says so. Of one client and one reason it logs a line a minute at
 * most, so that no client fills the disk with its own failures; the line tells how many had none.
 */
export function createEndings({
  limits,
  log,
  count,
  now = () => performance.now(),
}: EndingsParts): OnEnded {
  const logged = new Map<string, { at: number; since: number }>()
  return (ending, address) => {
    count(ending)
    const network = address === undefined ? 'unknown' : clientNetwork(address)
    const key = `${ending} ${network}`
    const last = logged.get(key)
    if (last && now() - last.at < quietMs) {
      last.since += 1
      return
    }
    logged.delete(key)
    const [eldest] = logged.keys()
    if (logged.size >= maxRemembered && eldest !== undefined) logged.delete(eldest)
    logged.set(key, { at: now(), since: 0 })
    const more = last && last.since > 0 ? `; so were ${last.since} more in the time before` : ''
    log.info(
      { address, ending, ...(more && { unlogged: last?.since }) },
      `a connection of ${address ?? 'an unknown address'} was ended: ${why(ending, limits)}${more}`,
    )
  }
}

function why(ending: Ending, limits: ConnectionLimits): string {
  switch (ending) {
    case 'slow head':
      return `the head of its request was not whole after ${limits.headSeconds} s (TAXIWAY_HEAD_SECONDS)`
    case 'slow body':
      return `its request was not whole after ${limits.requestSeconds} s (TAXIWAY_REQUEST_SECONDS)`
    case 'not reading':
      return `it took nothing of its answer for ${limits.sendSeconds} s (TAXIWAY_SEND_SECONDS)`
    case 'pipelined':
      return `more than ${limits.maxPipelinedRequests} requests waited on it for the answer to the one before them (TAXIWAY_MAX_PIPELINED_REQUESTS)`
    case 'made room':
      return 'it was idle, and another client needed the place (TAXIWAY_MAX_CONNECTIONS, TAXIWAY_MAX_CONNECTIONS_PER_ADDRESS)'
    case 'too many':
      return `${limits.maxConnections} others are busy (TAXIWAY_MAX_CONNECTIONS)`
    case 'too many of address':
      return `${limits.maxConnectionsPerAddress} others of this client are busy (TAXIWAY_MAX_CONNECTIONS_PER_ADDRESS; where many clients come from one address, raise it, or name their proxy in TAXIWAY_TRUSTED_PROXIES)`
  }
}
