import type { FoundEntry } from '../../src/curation/prepare-warninglist.ts'
import type { Warninglist } from '../../src/curation/warninglists.ts'
import { formatNetwork, overlaps, parseNetwork } from '../../src/model/address.ts'
import { findRegistrableDomain } from '../../src/model/domain.ts'
import { normalForm } from '../../src/model/normal-form.ts'
import type { ObservableType } from '../../src/model/observable.ts'

/** The host of a value, and whether the value says no more than that. */
function hostOf(type: ObservableType, value: string) {
  if (type === 'email') return { host: value.split('@')[1] as string, bare: false }
  if (type !== 'url') return undefined
  const { hostname, port, pathname, search, hash } = new URL(value)
  const bare = port === '' && pathname === '/' && search === '' && hash === ''
  return { host: hostname.replace(/^\[|\]$/g, ''), bare }
}

const isAddress = (text: string) => parseNetwork(text) !== undefined

/** Whether a list of these types has something to say of where the value lies. */
function speaksOfHost(types: readonly ObservableType[], type: ObservableType, host: string) {
  const has = (...some: readonly ObservableType[]) => some.some((one) => types.includes(one))
  if (type === 'email') return has('domain', 'email')
  return isAddress(host) ? has('ipv4', 'ipv6', 'cidr', 'domain', 'url') : has('domain', 'url')
}

function vouchesFor(parent: string, name: string): boolean {
  const registered = findRegistrableDomain(name)
  return parent === name || (registered !== undefined && `.${parent}`.endsWith(`.${registered}`))
}

/** Everything that the list's entries say of a value, one entry at a time. */
export function findPlainly(
  list: Warninglist,
  type: ObservableType,
  value: string,
): readonly FoundEntry[] {
  const { kind, types, entries } = list
  const own = types.includes(type)
  const place = hostOf(type, value)
  const speaks = place !== undefined && speaksOfHost(types, type, place.host)
  const found: FoundEntry[] = []
  for (const entry of entries) {
    if (kind === 'string') {
      for (const one of formsOf(entry, types)) {
        if (one.type === type && one.value === value) found.push({ entry: value, whole: true })
      }
      const host = normalForm('domain', entry)
      const isHost = host.ok && ['domain', 'ipv4', 'ipv6'].includes(host.type)
      if (speaks && isHost && host.value === place.host) {
        found.push({ entry: host.value, whole: place.bare })
      }
    }
    if (kind === 'hostname' && ['domain', 'ipv4', 'ipv6', 'url', 'email'].includes(type)) {
      const name = entry.replace(/^\./, '')
      const asked = place ? place.host : value
      const under = isAddress(asked) ? asked === name : `.${asked}`.endsWith(`.${name}`)
      if (!under || !(own || speaks)) continue
      const vouches = isAddress(asked) || vouchesFor(name, asked)
      found.push({ entry: name, whole: (place?.bare ?? true) && vouches })
    }
    if (kind === 'cidr') {
      const asked = parseNetwork(place ? place.host : value)
      const network = parseNetwork(entry)
      if (!asked || !network || !(own || speaks) || !overlaps(asked, network)) continue
      found.push({ entry: formatNetwork(network), whole: place ? place.bare : true })
    }
    if (kind === 'substring') {
      if (own && value.toLowerCase().includes(entry)) {
        found.push({ entry, whole: substringShields(entry, type, value.toLowerCase()) })
      }
      if (speaks && place.host.includes(entry)) {
        const hostType = isAddress(place.host) ? 'ipv4' : 'domain'
        const whole = place.bare && substringShields(entry, hostType, place.host)
        // Where the list speaks of the value too, the entry is in that as well.
        if (whole || !own) found.push({ entry, whole })
      }
    }
  }
  return found
}

function formsOf(entry: string, types: readonly ObservableType[]) {
  const host = normalForm('domain', entry)
  const isHost = host.ok && host.type !== 'url'
  return types.flatMap((type) => {
    if (isHost && (type === 'url' || type === 'email')) return []
    const form = normalForm(type, entry)
    if (!form.ok) return []
    const other = form.value.replace(/^http:/, 'https:')
    const both = form.type === 'url' && !/^\w+:\/\//.test(entry)
    return both ? [form, { ...form, value: other }] : [form]
  })
}

function substringShields(entry: string, type: ObservableType, value: string): boolean {
  if (type === 'url') return false
  if (type === 'ipv4' || type === 'ipv6') {
    return value === entry || (value.startsWith(entry) && /[.:]$/.test(entry))
  }
  if (type === 'domain') {
    const name = entry.replace(/^\./, '')
    return (
      name !== '' &&
      `.${value}`.endsWith(`.${name}`) &&
      vouchesFor(name, value) &&
      value.endsWith(entry)
    )
  }
  if (type === 'email') return value === entry || entry === value.slice(value.indexOf('@'))
  return value === entry
}
