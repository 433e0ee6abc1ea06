import type { ObservableType } from './observable.ts'
import type { Tlp } from './tlp.ts'

/** STIX versions that can be published, by their TAXII content binding. */
export const contentBindings = [
  'urn:stix.mitre.org:xml:1.2',
  'urn:stix.mitre.org:xml:1.1.1',
] as const
export type ContentBinding = (typeof contentBindings)[number]

/**
 * TAXII's two kinds of collection (services specification 1.1, section 2.5): a feed is ordered by labels and
 * polled by them; a set is always sent whole.
 */
export const collectionTypes = ['data-feed', 'data-set'] as const
export type CollectionType = (typeof collectionTypes)[number]

/** Which clients a collection speaks to; decides which types and shapes go out (stix/profiles.ts). */
export const profiles = ['esa', 'tid', 'full'] as const
export type Profile = (typeof profiles)[number]

/** What a content block holds: one indicator, or up to a hundred of one report under its header. */
export const packagings = ['indicator', 'report'] as const
export type Packaging = (typeof packagings)[number]

/**
 * How a block of addresses is spelled: CybOX's own category `cidr`, which some clients refuse, or
 * `a.b.c.d/n` as if it were one address, as MineMeld has it. `omit`: it is left out.
 */
export const cidrForms = ['omit', 'cidr', 'address'] as const
export type CidrForm = (typeof cidrForms)[number]

/** What decides which indicators a collection can spell at all (stix/profiles.ts). */
export interface Shape {
  readonly profile: Profile
  /** other than `omit` with the profile `full` alone */
  readonly cidr: CidrForm
}

/** A rule selects assertions; a leaf with several values means any of them. */
export type Rule =
  | { readonly all: readonly Rule[] }
  | { readonly any: readonly Rule[] }
  | { readonly not: Rule }
  | { readonly source: string | readonly string[] }
  | { readonly author: string | readonly string[] }
  /** the collections that an Inbox_Message named as its destination */
  | { readonly sentTo: string | readonly string[] }
  | { readonly tag: string | readonly string[] }
  | { readonly type: ObservableType | readonly ObservableType[] }
  | { readonly tlp: Tlp | readonly Tlp[] }
  | { readonly confidence: { readonly atLeast?: number; readonly atMost?: number } }
  | { readonly age: { readonly atLeastDays?: number; readonly atMostDays?: number } }

export interface CollectionSettings extends Shape {
  readonly name: string
  readonly description: string
  readonly type: CollectionType
  readonly rule: Rule
  /** whether Inbox_Messages may be sent to it; it holds what was, besides what its rule selects */
  readonly inbox: boolean
  /** assertions above this level stay out */
  readonly maxTlp: Tlp
  /** whether assertions of reports that are not for the public may be shown */
  readonly nonPublic: boolean
  /** the first is what a poll gets that names none */
  readonly bindings: readonly ContentBinding[]
  readonly packaging: Packaging
  /** blocks a Poll_Response; undefined: one complete response */
  readonly pageSize: number | undefined
  /** each live indicator is published again before so many days are over; undefined: never */
  readonly refreshDays: number | undefined
}

export interface Collection extends CollectionSettings {
  readonly id: number
}
