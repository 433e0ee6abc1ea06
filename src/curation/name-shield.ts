import { findRegistrableDomain } from '../model/domain.ts'

/*
 * Whoever wants a name to pass chooses it. What is registered under github.io, com or s3.amazonaws.com is
 * the customers' own, so an entry as broad as that says nothing about one of them.
 */

// Governments register these themselves; other suffixes are sold.
const closedSuffix = /^(?:gov|mil|gob|gouv)(?:\.[a-z]{2})?$/

/**
 * Whether an entry vouches for a name.
 * @param entry the name itself or a parent of it
 */
export function shieldsName(entry: string, name: string): boolean {
  if (entry.length === name.length) return true
  const registered = findRegistrableDomain(name)
  if (registered !== undefined && entry.length >= registered.length) return true
  return closedSuffix.test(entry)
}

/**
 * Whether a pattern knows a host for what it is, rather than for what whoever registers names could have
 * put there.
 * @param matches tells whether the pattern fits the value with this host in it
 */
export function isFixedTo(
  host: string,
  isAddress: boolean,
  matches: (host: string) => boolean,
): boolean {
  const registered = isAddress ? host : findRegistrableDomain(host)
  if (registered === undefined) return false
  const before = host.slice(0, host.length - registered.length)
  const foreign = [
    `${before}${stranger}${registered}`,
    `${host}.${stranger}.com`,
    `${stranger}.com`,
  ]
  return !foreign.some(matches)
}

/** Letters that no sensible pattern asks for. */
export const stranger = 'qzxvjw'
