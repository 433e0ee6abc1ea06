import { RE2JS, RE2Set } from 're2js'
import { isFixedTo, stranger } from './name-shield.ts'
import type { Observed } from './observed.ts'
import type { OnUnusable, PreparedWarninglist, WarninglistContent } from './prepare-warninglist.ts'
import { flagsOfTypes, speaksOfHost, typeFlags } from './warninglist-types.ts'

// Compiled together they are looked through in one pass; too many would outgrow its memory.
const patternsASet = 250

interface Pattern {
  readonly entry: string
  /** as re2 writes it, with its flags */
  readonly source: string
}

/**
 * Lists of regular expressions, looked through in linear time. A pattern shields only what it would not also
 * find elsewhere: see isFixed.
 */
export function preparePatterns(
  { types, entries }: WarninglistContent,
  onUnusable: OnUnusable,
): PreparedWarninglist {
  const flags = flagsOfTypes(types)
  const patterns: Pattern[] = []
  entries.forEach((entry, index) => {
    const result = readPattern(entry)
    if (result.ok) patterns.push({ entry, source: result.source })
    else onUnusable(index, result.problem)
  })
  const match = matchTogether(patterns)
  const compiled = new Map<string, RE2JS>()
  const compile = (source: string): RE2JS => {
    const known = compiled.get(source) ?? RE2JS.compile(source)
    compiled.set(source, known)
    return known
  }

  return {
    find(observed) {
      const { type, value, host, bare } = observed
      const own = (flags & typeFlags[type]) !== 0 ? match(value) : []
      const ofHost = host && speaksOfHost(flags, observed) ? match(host.text) : []
      if (own.length === 0 && ofHost.length === 0) return undefined
      const shield =
        own.find(({ source }) => isFixed(compile(source), observed)) ??
        (bare
          ? ofHost.find(({ source }) => isFixedHost(compile(source), observed, (text) => text))
          : undefined)
      const telling = own[0] ?? (ofHost[0] as Pattern)
      return { entry: (shield ?? telling).entry, whole: shield !== undefined }
    },
  }
}

/**
 * Whether the pattern knows the value by what nobody can choose who wants it to pass. It must not find the
 * value behind other text, nor on another host, nor (but in URLs, where it may name a part of a site) before
 * other text. Of mailboxes it may name the domain alone, if it begins with "@".
 */
function isFixed(pattern: RE2JS, observed: Observed): boolean {
  const { type, value, host } = observed
  const mailboxes = type === 'email' && /^(?:\(\?[a-zA-Z]+\))*\\?@/.test(pattern.pattern())
  if (type !== 'domain' && !mailboxes && pattern.test(stranger + value)) return false
  if (host && type !== 'ipv4' && type !== 'ipv6') {
    const at = placeOfHost(observed, host.text)
    const end = at + host.text.length
    return isFixedHost(pattern, observed, (other) => value.slice(0, at) + other + value.slice(end))
  }
  return !pattern.test(value + stranger)
}

function placeOfHost({ type, value }: Observed, host: string): number {
  return type === 'url' ? value.indexOf(host, value.indexOf('://') + 3) : value.length - host.length
}

function isFixedHost(
  pattern: RE2JS,
  { host }: Observed,
  replaceHost: (host: string) => string,
): boolean {
  if (!host) return false
  return isFixedTo(host.text, host.isAddress, (other) => pattern.test(replaceHost(other)))
}

function matchTogether(patterns: readonly Pattern[]): (value: string) => readonly Pattern[] {
  const sets: { readonly first: number; readonly set: RE2Set }[] = []
  for (let first = 0; first < patterns.length; first += patternsASet) {
    const set = new RE2Set(RE2Set.UNANCHORED)
    for (const { source } of patterns.slice(first, first + patternsASet)) set.add(source)
    set.compile()
    sets.push({ first, set })
  }
  return (value) =>
    sets.flatMap(({ first, set }) =>
      set.match(value).map((index) => patterns[first + index] as Pattern),
    )
}

type PatternResult =
  | { readonly ok: true; readonly source: string }
  | { readonly ok: false; readonly problem: string }

const maxPatternLength = 4096
// PCRE's delimiters as MISP's lists have them.
const delimited = /^([/#~])(.*)\1([a-zA-Z]*)$/s
// What changes a match is written in front; D, S, u and X change nothing for values of one line.
const ownFlags = 'ims'
const idleFlags = 'DSuX'

/** Reads an entry such as `/…/i` or a bare expression. */
function readPattern(entry: string): PatternResult {
  const text = entry.trim()
  if (text === '') return { ok: false, problem: 'is empty' }
  if (text.length > maxPatternLength) {
    return { ok: false, problem: `is longer than ${maxPatternLength} characters` }
  }
  const parts = delimited.exec(text)
  const flags = new Set(parts?.[3] ?? '')
  const unknown = [...flags].filter((flag) => !`${ownFlags}${idleFlags}`.includes(flag))
  if (unknown.length > 0) {
    return { ok: false, problem: `has the flag "${unknown[0]}", which is not supported` }
  }
  const own = [...flags].filter((flag) => ownFlags.includes(flag)).join('')
  const body = parts ? (parts[2] as string) : text
  const source = own === '' ? body : `(?${own})${body}`
  try {
    // What finds the empty text finds everything.
    if (RE2JS.compile(source).test('')) return { ok: false, problem: 'matches every value' }
  } catch (error) {
    return { ok: false, problem: `is not supported: ${(error as Error).message}` }
  }
  return { ok: true, source }
}
