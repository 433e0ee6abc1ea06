import type { ObservableType } from './observable.ts'
import type { Tlp } from './tlp.ts'

/** STIX versions that can be published, by their TAXII content binding. */
export const contentBindings = [
  'urn:stix.mitre.org:xml:1.2',
  'urn:stix.mitre.org:xml:1.1.1',
] as const
export type ContentBinding = (typeof contentBindings)[number]

/** Which clients a collection speaks to; decides which types and shapes go out (stix/profiles.ts). */
export const profiles = ['esa', 'tid', 'full'] as const
export type Profile = (typeof profiles)[number]

/** A rule selects assertions; a leaf with several values means any of them. */
export type Rule =
  | { readonly all: readonly Rule[] }
  | { readonly any: readonly Rule[] }
  | { readonly not: Rule }
  | { readonly source: string | readonly string[] }
  | { readonly author: string | readonly string[] }
  | { readonly tag: string | readonly string[] }
  | { readonly type: ObservableType | readonly ObservableType[] }
  | { readonly tlp: Tlp | readonly Tlp[] }
  | { readonly confidence: { readonly atLeast?: number; readonly atMost?: number } }
  | { readonly age: { readonly atLeastDays?: number; readonly atMostDays?: number } }

export interface CollectionSettings {
  readonly name: string
  readonly description: string
  readonly rule: Rule
  /** assertions above this level stay out */
  readonly maxTlp: Tlp
  /** whether assertions of reports that are not for the public may be shown */
  readonly nonPublic: boolean
  /** the first is what a poll gets that names none */
  readonly bindings: readonly ContentBinding[]
  readonly profile: Profile
  readonly packaging: 'indicator'
  /** blocks a Poll_Response; undefined: one complete response */
  readonly pageSize: number | undefined
  /** each live indicator is published again before so many days are over; undefined: never */
  readonly refreshDays: number | undefined
}

export interface Collection extends CollectionSettings {
  readonly id: number
}
