import { type ObservableType, observableTypes } from '../model/observable.ts'
import type { Observed } from './observed.ts'

/** One bit a type. */
export const typeFlags = Object.freeze(
  Object.fromEntries(observableTypes.map((type, index) => [type, 1 << index])),
) as Readonly<Record<ObservableType, number>>

/** That an entry is a host, whatever is said of it. */
export const hostFlag = 1 << observableTypes.length

export function flagsOfTypes(types: readonly ObservableType[]): number {
  return types.reduce((flags, type) => flags | typeFlags[type], 0)
}

const { domain, email, url, uri, ipv4, ipv6, cidr } = typeFlags
const ofAddresses = ipv4 | ipv6 | cidr | domain | url
const ofNames = domain | url

/** Types of which names, addresses and URLs say something. */
export const ofHosts = ofAddresses | email | uri

/**
 * Whether a list with these types also speaks of the host on which the observable lies: a list of domains
 * has something to tell of URLs and mailboxes there.
 */
export function speaksOfHost(flags: number, { type, host }: Observed): boolean {
  if (!host) return false
  if (type === 'url') return (flags & (host.isAddress ? ofAddresses : ofNames)) !== 0
  return type === 'email' && (flags & (domain | email)) !== 0
}
