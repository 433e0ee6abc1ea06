import { type Network, parseNetwork } from '../model/address.ts'
import { refangHost } from '../model/refang.ts'
import { createNetworkTable, type NetworkTable } from './network-table.ts'
import type { OnUnusable, PreparedWarninglist, WarninglistContent } from './prepare-warninglist.ts'
import { flagsOfTypes, speaksOfHost, typeFlags } from './warninglist-types.ts'

/** Lists of networks, each of which speaks of the addresses in it and of the networks that overlap it. */
export function prepareNetworks(
  { types, entries }: WarninglistContent,
  onUnusable: OnUnusable,
): PreparedWarninglist {
  const flags = flagsOfTypes(types)
  const networks: Network[] = []
  entries.forEach((entry, index) => {
    const network = parseNetwork(refangHost(entry.trim()))
    if (network) networks.push(network)
    else onUnusable(index, 'is not a network in CIDR notation')
  })
  const tables: Readonly<Record<4 | 6, NetworkTable>> = {
    4: createNetworkTable(networks.filter(({ version }) => version === 4)),
    6: createNetworkTable(networks.filter(({ version }) => version === 6)),
  }
  return {
    find(observed) {
      const { type, value, host, bare } = observed
      const own = type === 'ipv4' || type === 'ipv6' || type === 'cidr'
      if (!own && !host?.isAddress) return undefined
      const speaks = (flags & typeFlags[type]) !== 0 || speaksOfHost(flags, observed)
      if (!speaks) return undefined
      const asked = parseNetwork(host ? host.text : value)
      const entry = asked && tables[asked.version].find(asked)
      return entry === undefined ? undefined : { entry, whole: own || bare }
    },
  }
}
