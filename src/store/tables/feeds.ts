import type { Generated } from 'kysely'
import type { Bigint, Json, Timestamp } from './columns.ts'

/** What is published: collections, their blocks, and what was withdrawn. */
export interface FeedTables {
  collections: {
    id: Generated<number>
    name: string
    description: string
    rule: Json<unknown>
    max_tlp: number
    bindings: number[]
    profile: string
    packaging: string
    cidr: Generated<string>
    page_size: number | null
    refresh_days: number | null
    non_public: Generated<boolean>
    /** data-feed or data-set */
    type: Generated<string>
    /** whether Inbox_Messages may be sent to it */
    inbox: Generated<boolean>
    refreshed_at: Generated<Bigint>
    settings_version: Generated<number>
    reconciled_version: Generated<number>
  }
  publications: {
    id: Bigint
    collection_id: number
    binding: number
    base_label: Bigint
    block_count: number
    live_count: number
    last_superseded_by: Generated<Bigint | null>
    largest_bytes: number | null
  }
  package_heads: {
    id: Generated<number>
    head: string
  }
  packages: {
    id: Bigint
    head_id: number
    tail: string
  }
  blocks: {
    publication_id: Bigint
    ordinal: number
    collection_id: number
    binding: number
    /** an indicator's id, or a chunk's, which is negative */
    subject_id: Bigint
    package_id: Bigint
    digest: Uint8Array
    superseded_by: Bigint | null
    /** the indicators that a chunk's block shows; null: it is an indicator's own */
    members: readonly Bigint[] | null
  }
  chunks: {
    /** negative */
    id: Generated<Bigint>
    report_id: Bigint
    number: number
  }
  chunk_members: {
    report_id: Bigint
    indicator_id: Bigint
    chunk_id: Bigint
  }
  withdrawals: {
    /** as of blocks */
    subject_id: Bigint
    /** 0: every stream */
    collection_id: number
    binding: number
    through_publication: Bigint
    withdrawn_at: Timestamp
    number: Generated<Bigint>
  }
  feed_clock: {
    singleton: Generated<boolean>
    high_water_mark: Bigint
    swept_until: Timestamp | null
  }
}
