import type { ColumnType, Generated } from 'kysely'
import type { Bigint, Json, Timestamp } from './columns.ts'

/** What comes in: who says it, what it says, and what could not be read. */
export interface SourcesTables {
  sources: {
    id: Generated<number>
    name: string
    cursor: Json<unknown>
    state: ColumnType<unknown, string | undefined, string>
  }
  reports: {
    id: Generated<Bigint>
    source_id: number
    external_id: string
    name: string
    description: string
    author: string
    tlp: number
    public: boolean
    revision: string
    created: Timestamp
    modified: Timestamp
    tags: string[]
    tag_keys: string[]
    refs: string[]
    /** collections that an Inbox_Message named as its destination; empty: it came from an upstream */
    sent_to: Generated<string[]>
    details: Json<ReportDetails>
    version: number
    digest: Uint8Array | null
    gone: string | null
    reading: Json<unknown> | null
  }
  indicators: {
    id: Generated<Bigint>
    type: string
    value: string
    key: Uint8Array
  }
  assertions: {
    id: Generated<Bigint>
    indicator_id: Bigint
    source_id: number
    report_id: Bigint | null
    report_version: number
    external_id: string | null
    title: string
    description: string
    role: string
    tlp: number
    confidence: number
    asserted_confidence: number
    valid_from: Timestamp
    valid_until: Timestamp | null
    ends_at: Timestamp | null
    active: boolean
    refuted: Generated<boolean>
    judge_at: Timestamp | null
    suppressed: boolean
    sightings: number | null
    remarks: Json<readonly { readonly rule: string; readonly detail: string }[]> | null
  }
  rejections: {
    id: Generated<Bigint>
    source_id: number
    place: string
    reason: string
    detail: string
    times: Generated<number>
    first_seen: Timestamp
    last_seen: Timestamp
  }
}

/** What a report says beyond what rules and blocks ask of it. */
export interface ReportDetails {
  readonly adversary: string
  readonly targetedCountries: readonly string[]
  readonly industries: readonly string[]
  readonly malwareFamilies: readonly string[]
  readonly attackIds: readonly string[]
}
