import { BlockList, isIP, isIPv6, type Socket } from 'node:net'
import type { OnEnded } from './endings.ts'
import type { ConnectionLimits } from './limits.ts'

export interface RoomOptions {
  readonly limits: Pick<ConnectionLimits, 'maxConnections' | 'maxConnectionsPerAddress'>
  /** addresses and CIDR blocks of those that many clients come through */
  readonly trustedProxies: readonly string[]
  readonly onEnded: OnEnded
}

export interface OpenConnection {
  /** what counts as one client, as `clientNetwork` says it */
  readonly network: string
  /** how many are under way on it */
  readonly answers: number
}

/** Connections from the one that has been quiet for longest to the one that was busy last. */
export interface Open {
  readonly all: ReadonlyMap<Socket, OpenConnection>
  countOf(network: string): number
}

/**
 * Says what a new connection, which is not among the open ones yet, costs: nothing, or one that is idle, or that it
 * cannot stay itself. Where one client has too many, it costs one of that client; where there are too many in all, one
 * of the client that has most among those that have an idle one. Where an answer is under way, a connection stays.
 */
export type MakeRoom = (
  newcomer: { readonly address: string; readonly network: string },
  open: Open,
) => { readonly isRoom: boolean; readonly instead?: Socket | undefined }

export function createMakeRoom({ limits, trustedProxies, onEnded }: RoomOptions): MakeRoom {
  const isProxy = addressList(trustedProxies)
  return ({ address, network }, open) => {
    const isFullFor = open.countOf(network) >= limits.maxConnectionsPerAddress && !isProxy(address)
    if (!isFullFor && open.all.size < limits.maxConnections) return { isRoom: true }
    const instead = isFullFor ? findIdle(open, network) : findIdle(open)
    if (!instead) onEnded(isFullFor ? 'too many of address' : 'too many', address)
    else onEnded('made room', instead.remoteAddress)
    return { isRoom: instead !== undefined, instead }
  }
}

/** @param of a network; absent: the one that has most */
function findIdle(open: Open, of?: string): Socket | undefined {
  let found: Socket | undefined
  let most = 0
  for (const [socket, { network, answers }] of open.all) {
    if (answers > 0 || (of !== undefined && network !== of)) continue
    const count = open.countOf(network)
    if (count > most) {
      found = socket
      most = count
    }
  }
  return found
}

function addressList(texts: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  const family = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4')
  for (const text of texts) {
    const [address = '', prefix] = text.split('/')
    if (prefix === undefined) list.addAddress(address, family(address))
    else list.addSubnet(address, Number(prefix), family(address))
  }
  return (given) => {
    // An IPv4 client of a socket that listens for IPv6 too.
    const address = given.replace(/^::ffff:(?=[\d.]+$)/, '')
    return isIP(address) !== 0 && list.check(address, family(address))
  }
}
