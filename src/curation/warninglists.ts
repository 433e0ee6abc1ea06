import type { ObservableType } from '../model/observable.ts'
import { observe } from './observed.ts'
import { type PreparedWarninglist, prepareWarninglist } from './prepare-warninglist.ts'
import { createTextFilter } from './text-table.ts'

/** How entries are compared, as MISP's format names it. */
export const warninglistKinds = ['string', 'substring', 'hostname', 'cidr', 'regex'] as const
export type WarninglistKind = (typeof warninglistKinds)[number]

/** What being on a list does: keeps out, lowers the confidence, or is only noted. */
export const warninglistEffects = ['block', 'lower', 'inform'] as const
export type WarninglistEffect = (typeof warninglistEffects)[number]

/** A list of what is known to be harmless or shared by many. */
export interface Warninglist {
  /** short, unique, stable: the folder's name in MISP's collection */
  readonly name: string
  /** for people */
  readonly title: string
  readonly kind: WarninglistKind
  readonly effect: WarninglistEffect
  readonly types: readonly ObservableType[]
  readonly entries: readonly string[]
  /** the same for the same kind, types and entries */
  readonly digest: string
}

export interface WarninglistMatch {
  readonly list: Pick<Warninglist, 'name' | 'title' | 'effect'>
  /** names, addresses and hashes in normal form, others as the list has them */
  readonly entry: string
  /**
   * Whether the entry is about the observable itself. Otherwise it is about where it lies, such as the host
   * of a URL that names a page there, or about a part that an attacker may choose, and only tells.
   */
  readonly whole: boolean
}

/**
 * Tells which lists know a value: at most one match a list, the one that says most.
 * @param value a normal form
 */
export type FindOnWarninglists = (
  type: ObservableType,
  value: string,
) => readonly WarninglistMatch[]

export type CompileWarninglists = (lists: readonly Warninglist[]) => FindOnWarninglists

/** Prepares lists for being looked through; takes about a microsecond an entry. */
export function compileWarninglists(lists: readonly Warninglist[]): FindOnWarninglists {
  return createCompileWarninglists()(lists)
}

/** Like compileWarninglists, but what the last call has prepared is not prepared again. */
export function createCompileWarninglists(): CompileWarninglists {
  let prepared = new Map<string, PreparedWarninglist>()
  return (lists) => {
    const before = prepared
    prepared = new Map()
    const compiled = lists.map(({ name, title, effect, ...content }) => {
      const { digest } = content
      const ready = before.get(digest) ?? prepared.get(digest) ?? prepareWarninglist(content)
      prepared.set(digest, ready)
      // Not the list: its entries are a second copy of what was prepared.
      return { list: Object.freeze({ name, title, effect }), ...ready }
    })
    const tables = new Set(compiled.flatMap(({ texts }) => (texts ? [texts] : [])))
    const filter = createTextFilter([...tables])
    return (type, value) => {
      const observed = observe(type, value)
      const maybe = filter(observed.hash) || observed.host?.hashes.some(filter) === true
      const matches: WarninglistMatch[] = []
      for (const { list, find, texts } of compiled) {
        if (texts && !maybe) continue
        const found = find(observed)
        if (found) matches.push({ list, entry: found.entry, whole: found.whole })
      }
      return matches
    }
  }
}
