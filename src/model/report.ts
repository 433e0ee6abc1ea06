import type { Assertion } from './assertion.ts'
import type { Tlp } from './tlp.ts'

/** What a source published as one piece: an OTX pulse, later an event or an inbox message. */
export interface Report {
  readonly externalId: string
  readonly name: string
  readonly description: string
  readonly author: string
  readonly tlp: Tlp
  /** false where the upstream marks it as not for the public */
  readonly public: boolean
  /** as the upstream numbers it; a decimal fraction in some pulses */
  readonly revision: string
  readonly created: Date
  readonly modified: Date
  readonly adversary: string
  readonly tags: readonly string[]
  readonly references: readonly string[]
  readonly targetedCountries: readonly string[]
  readonly industries: readonly string[]
  readonly malwareFamilies: readonly string[]
  readonly attackIds: readonly string[]
  /** the collections that an Inbox_Message named as its destination; absent: it came from an upstream */
  readonly sentTo?: readonly string[]
}

/** A part of what came in that could not be taken: kept, so that an operator sees what is missing and why. */
export interface Rejection {
  /** where: a pulse's id, an indicator's id or position; as exact as is known */
  readonly place: string
  readonly reason: string
  readonly detail: string
}

export interface ReportWithAssertions {
  readonly report: Report
  readonly assertions: readonly Assertion[]
  /** single assertions of this report that could not be read */
  readonly rejections: readonly Rejection[]
}
