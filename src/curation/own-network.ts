import { type Network, overlaps, parseNetwork } from '../model/address.ts'
import type { ObservableType } from '../model/observable.ts'
import { hostOfNormalUrl } from '../model/url.ts'
import type { Suppression } from './judge.ts'
import type { JudgingPolicy } from './policy.ts'

/** Prepares for finding what is, lies in or contains part of our own domains and networks. */
export function createOwnNetwork({
  ownDomains,
  ownRanges,
}: Pick<JudgingPolicy, 'ownDomains' | 'ownRanges'>) {
  const domains = new Set(ownDomains)
  const networks = ownRanges.map((cidr) => ({ cidr, network: parseNetwork(cidr) as Network }))

  function judgeHost(host: string): Suppression | undefined {
    for (let at = 0; domains.size > 0 && at >= 0; ) {
      const parent = host.slice(at)
      if (domains.has(parent)) {
        const detail = at === 0 ? `${host} is our own` : `${host} lies under our own ${parent}`
        return suppress(detail, `own-domain:${parent}`)
      }
      const dot = host.indexOf('.', at)
      at = dot < 0 ? -1 : dot + 1
    }
    return judgeAddress(host)
  }

  function judgeAddress(value: string): Suppression | undefined {
    if (networks.length === 0) return undefined
    const asked = parseNetwork(value)
    const own = asked && networks.find(({ network }) => overlaps(network, asked))
    if (!own) return undefined
    const relation = value === own.cidr ? 'is' : value.includes('/') ? 'overlaps' : 'lies in'
    const ours = value === own.cidr ? 'our own' : `our own ${own.cidr}`
    return suppress(`${value} ${relation} ${ours}`, `own-range:${own.cidr}`)
  }

  return (type: ObservableType, value: string): Suppression | undefined => {
    switch (type) {
      case 'ipv4':
      case 'ipv6':
      case 'cidr':
        return judgeAddress(value)
      case 'domain':
        return judgeHost(value)
      case 'url':
        return judgeHost(hostOfNormalUrl(value))
      case 'email':
        return judgeHost(value.slice(value.lastIndexOf('@') + 1))
      default:
        return undefined
    }
  }
}

function suppress(detail: string, rule: string): Suppression {
  return { reason: 'own-network', detail, rule }
}
