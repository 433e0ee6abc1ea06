import { shieldsName } from './name-shield.ts'
import type { Observed } from './observed.ts'
import type {
  FoundEntry,
  OnUnusable,
  PreparedWarninglist,
  WarninglistContent,
} from './prepare-warninglist.ts'
import { createTextAutomaton, type TextAutomaton } from './text-automaton.ts'
import { flagsOfTypes, speaksOfHost, typeFlags } from './warninglist-types.ts'

/**
 * Lists of texts that stand somewhere in the value, in capitals or not. Most of a value is for an attacker to
 * choose, so that an entry shields only a value that it equals, a name that ends with it and has its
 * registered part from it, a mailbox whose whole domain it is, and addresses that begin with it.
 */
export function prepareSubstrings(
  { types, entries }: WarninglistContent,
  onUnusable: OnUnusable,
): PreparedWarninglist {
  const flags = flagsOfTypes(types)
  const usable: string[] = []
  entries.forEach((entry, index) => {
    const text = entry.trim().toLowerCase()
    if (text === '') onUnusable(index, 'is empty')
    else usable.push(text)
  })
  const automaton = createTextAutomaton(usable)
  return {
    find(observed) {
      const { type, host, bare } = observed
      const own = (flags & typeFlags[type]) !== 0
      const ofHost = speaksOfHost(flags, observed) ? host : undefined
      const text = own ? observed.value.toLowerCase() : ''
      const whole =
        (own ? findWhole(automaton, usable, observed, text) : undefined) ??
        (ofHost && bare
          ? findWholeHost(automaton, usable, ofHost.text, ofHost.isAddress)
          : undefined)
      if (whole !== undefined) return { entry: whole, whole: true }
      return findLongest(automaton, usable, own ? text : (ofHost?.text ?? ''))
    },
  }
}

function findWhole(
  automaton: TextAutomaton,
  texts: readonly string[],
  { type, host }: Observed,
  value: string,
): string | undefined {
  if (type === 'domain' || type === 'ipv4' || type === 'ipv6') {
    return findWholeHost(automaton, texts, value, host?.isAddress === true)
  }
  // Of the rest of a URL, whoever serves it chooses every character.
  if (type === 'url') return undefined
  const at = type === 'email' ? value.lastIndexOf('@') : 0
  for (const index of automaton.findAtEnd(value)) {
    const text = texts[index] as string
    if (text === value || (at > 0 && text.length === value.length - at)) return text
  }
  return undefined
}

function findWholeHost(
  automaton: TextAutomaton,
  texts: readonly string[],
  host: string,
  isAddress: boolean,
): string | undefined {
  if (isAddress) return findPrefix(automaton, texts, host)
  for (const index of automaton.findAtEnd(host)) {
    const text = texts[index] as string
    const name = text.startsWith('.') ? text.slice(1) : text
    const before = host.length - name.length - 1
    if (before >= 0 && host[before] !== '.') continue
    if (name !== '' && shieldsName(name, host)) return text
  }
  return undefined
}

/** Of an address, whole octets or groups from its beginning on. */
function findPrefix(
  automaton: TextAutomaton,
  texts: readonly string[],
  address: string,
): string | undefined {
  let found: string | undefined
  automaton.search(address, (index, end) => {
    const text = texts[index] as string
    if (text.length === end && (end === address.length || /[.:]$/.test(text))) found = text
  })
  return found
}

function findLongest(
  automaton: TextAutomaton,
  texts: readonly string[],
  value: string,
): FoundEntry | undefined {
  let found: string | undefined
  automaton.search(value, (index) => {
    const text = texts[index] as string
    if (!found || text.length > found.length) found = text
  })
  return found === undefined ? undefined : { entry: found, whole: false }
}
