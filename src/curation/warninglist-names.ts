import { formatNetwork, isSingleAddress, parseNetwork } from '../model/address.ts'
import { normalHostName } from '../model/domain.ts'
import { hasWebScheme, refangHost } from '../model/refang.ts'
import { normalUrl } from '../model/url.ts'
import { shieldsName } from './name-shield.ts'
import { type Host, observe } from './observed.ts'
import type {
  FoundEntry,
  OnUnusable,
  PreparedWarninglist,
  WarninglistContent,
} from './prepare-warninglist.ts'
import { createTextTable, type TextTable } from './text-table.ts'
import { flagsOfTypes, speaksOfHost, typeFlags } from './warninglist-types.ts'

const all = 1

/** Lists of host names, each of which speaks of all names under it too. */
export function prepareNames(
  { types, entries }: WarninglistContent,
  onUnusable: OnUnusable,
): PreparedWarninglist {
  const flags = flagsOfTypes(types)
  const table = readTable(entries, onUnusable)
  return {
    texts: table,
    find(observed) {
      const { type, host, bare } = observed
      if (!host) return undefined
      const speaks = (flags & typeFlags[type]) !== 0 || speaksOfHost(flags, observed)
      return speaks ? findHost(table, host, bare) : undefined
    },
  }
}

// Apart from what looks through it, whose closures would keep the names that went into the table.
function readTable(entries: readonly string[], onUnusable: OnUnusable): TextTable {
  const hosts: string[] = []
  entries.forEach((entry, index) => {
    const result = readHost(entry.trim())
    if (result.ok) hosts.push(result.host)
    else onUnusable(index, result.problem)
  })
  return createTextTable(
    hosts,
    hosts.map(() => all),
  )
}

/** Finds the most exact entry that shields the host, or else the most exact one at all. */
function findHost(table: TextTable, host: Host, bare: boolean): FoundEntry | undefined {
  const { text, starts, hashes } = host
  let telling: FoundEntry | undefined
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] as number
    if (!table.has(text, start, hashes[i] as number, all)) continue
    const entry = text.slice(start)
    if (bare && shieldsName(entry, text)) return { entry, whole: true }
    if (!bare) return { entry, whole: false }
    telling ??= { entry, whole: false }
  }
  return telling
}

type HostResult =
  | { readonly ok: true; readonly host: string }
  | { readonly ok: false; readonly problem: string }

function readHost(entry: string): HostResult {
  if (hasWebScheme(entry)) return readHostOfUrl(entry)
  const text = refangHost(entry)
    .replace(/^(?:\*?\.)+/, '')
    .replace(/\/$/, '')
  const network = parseNetwork(text)
  if (network && isSingleAddress(network)) return { ok: true, host: formatNetwork(network) }
  const host = normalHostName(text)
  if (host !== undefined) return { ok: true, host }
  return text.includes('/') ? page : { ok: false, problem: 'is not a host name' }
}

const page = { ok: false, problem: 'names a page, not a host' } as const

function readHostOfUrl(entry: string): HostResult {
  const url = normalUrl(entry)
  if (!url.ok) return { ok: false, problem: `is not a host name: ${url.problem}` }
  const { host, bare } = observe('url', url.value)
  return host && bare ? { ok: true, host: host.text } : page
}
