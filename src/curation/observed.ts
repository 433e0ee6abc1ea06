import { parseNetwork } from '../model/address.ts'
import type { ObservableType } from '../model/observable.ts'
import { hostOfNormalUrl } from '../model/url.ts'
import { hashNames, hashText } from './text-table.ts'

/** An observable as lists look at it, taken apart once for all of them. */
export interface Observed {
  readonly type: ObservableType
  readonly value: string
  readonly hash: number
  /** the host that it is, or that it names a page or a mailbox of */
  readonly host: Host | undefined
  /** whether it says no more than its host: a domain, an address, the root of a web site */
  readonly bare: boolean
}

export interface Host {
  readonly text: string
  readonly isAddress: boolean
  /** where the name and each of its parents begin, and their hashes; an address has no parents */
  readonly starts: readonly number[]
  readonly hashes: readonly number[]
}

/** @param value a normal form */
export function observe(type: ObservableType, value: string): Observed {
  const hash = hashText(value)
  switch (type) {
    case 'ipv4':
    case 'ipv6':
      return { type, value, hash, host: addressHost(value, hash), bare: true }
    case 'domain':
      return { type, value, hash, host: nameHost(value), bare: true }
    case 'url': {
      const text = hostOfNormalUrl(value)
      const isAddress = maybeAddress.test(text) && parseNetwork(text) !== undefined
      const host = isAddress ? addressHost(text, hashText(text)) : nameHost(text)
      return { type, value, hash, host, bare: isRoot(value, text) }
    }
    case 'email': {
      const host = nameHost(value.slice(value.lastIndexOf('@') + 1))
      return { type, value, hash, host, bare: false }
    }
    default:
      return { type, value, hash, host: undefined, bare: false }
  }
}

const maybeAddress = /^[\d.]+$|:/

function addressHost(text: string, hash: number): Host {
  return { text, isAddress: true, starts: [0], hashes: [hash] }
}

function nameHost(text: string): Host {
  return { text, isAddress: false, ...hashNames(text) }
}

/** A port names one service of a host, which on shared hosts is one customer's. */
function isRoot(url: string, host: string): boolean {
  const start = url.indexOf('://') + 3
  const brackets = url.charCodeAt(start) === 91 ? 2 : 0
  const end = start + host.length + brackets
  return url.length === end + 1 && url.charCodeAt(end) === 47
}
