import { formatNetwork, isSingleAddress, parseNetwork } from './address.ts'
import { isPublicSuffix } from './domain.ts'
import type { ObservableType } from './observable.ts'
import { hostOfNormalUrl } from './url.ts'

export interface Observable {
  readonly type: ObservableType
  /** a normal form */
  readonly value: string
}

// Of a network that holds more, a search finds the addresses.
const mostAddresses = 256

/**
 * What contains an observable or is contained in it, as far as that can be named without looking: parent
 * domains, the host of a URL or an e-mail address, networks around an address, addresses of a small network.
 * The nearest first; whether any of it is known is another question.
 */
export function nearObservables({ type, value }: Observable): readonly Observable[] {
  switch (type) {
    case 'domain':
      return parentsOf(value)
    case 'url': {
      const twin = value.startsWith('https:') ? `http:${value.slice(6)}` : `https:${value.slice(5)}`
      const swapped: Observable[] = /^https?:/.test(value) ? [{ type: 'url', value: twin }] : []
      return [...swapped, ...hostAndAround(hostOfNormalUrl(value))]
    }
    case 'email':
      return hostAndAround(value.slice(value.lastIndexOf('@') + 1))
    case 'ipv4':
    case 'ipv6':
    case 'cidr':
      return [...networksAround(value), ...addressesIn(value)]
    default:
      return []
  }
}

function hostAndAround(host: string): readonly Observable[] {
  const network = parseNetwork(host)
  if (!network) return [{ type: 'domain', value: host }, ...parentsOf(host)]
  const address = formatNetwork(network)
  return [
    { type: network.version === 4 ? 'ipv4' : 'ipv6', value: address },
    ...networksAround(address),
  ]
}

function parentsOf(domain: string): readonly Observable[] {
  const found: Observable[] = []
  for (let at = domain.indexOf('.'); at >= 0; at = domain.indexOf('.', at + 1)) {
    const value = domain.slice(at + 1)
    if (!value.includes('.') || isPublicSuffix(value)) break
    found.push({ type: 'domain', value })
  }
  return found
}

function networksAround(text: string): readonly Observable[] {
  const network = parseNetwork(text)
  if (!network) return []
  const found: Observable[] = []
  const address = text.split('/')[0]
  const shortest = network.version === 4 ? 8 : 16
  for (let prefix = network.prefix - 1; prefix >= shortest; prefix -= 1) {
    const around = parseNetwork(`${address}/${prefix}`)
    if (around) found.push({ type: 'cidr', value: formatNetwork(around) })
  }
  return found
}

function addressesIn(text: string): readonly Observable[] {
  const network = parseNetwork(text)
  if (!network || isSingleAddress(network)) return []
  const bits = network.words.length * 32 - network.prefix
  const count = 2 ** bits
  if (count > mostAddresses) return []
  const last = network.words.length - 1
  return Array.from({ length: count }, (_, n) => {
    const words = network.words.with(last, ((network.words[last] as number) + n) >>> 0)
    const single = { ...network, words, prefix: network.words.length * 32 }
    return { type: network.version === 4 ? 'ipv4' : 'ipv6', value: formatNetwork(single) } as const
  })
}
