import type { Generated } from 'kysely'
import type { Bigint, Timestamp } from './columns.ts'

/** What clients did: polled, subscribed to, sent. */
export interface ClientTables {
  polls: {
    id: Generated<Bigint>
    account_id: number
    collection_id: number
    binding: number
    address: string
    user_agent: string
    counts_only: boolean
    asked_begin: Bigint | null
    asked_end: Bigint | null
    begin_label: Bigint | null
    end_label: Bigint
    answered_end: Bigint | null
    as_of: Bigint
    withdrawals_seen: Generated<Bigint>
    result_id: string | null
    result_part: number | null
    started_at: Generated<Date>
    status: Generated<string>
    duration_ms: number | null
    blocks: number | null
    bytes: Bigint | null
    sent_through: Bigint | null
    left_through: Bigint | null
  }
  result_sets: {
    id: string
    account_id: number
    collection_id: number
    binding: number
    begin_label: Bigint | null
    end_label: Bigint
    as_of: Bigint
    begin_moved: Generated<boolean>
    part_ends: Bigint[]
    record_count: number
    /** the subscription that was polled */
    subscription_id: string | null
    expires_at: Timestamp
  }
  subscriptions: {
    id: string
    account_id: number
    collection_id: number
    status: string
    response_type: string
    /** those that the client named and the collection had; empty: any */
    content_bindings: string[]
    created_at: Timestamp
    changed_at: Timestamp
  }
  inbox_blocks: {
    id: Generated<Bigint>
    account_id: number
    /** of what the block holds, whatever prefixes and message it came with */
    digest: Uint8Array
    message_id: string
    content_binding: string
    bytes: Bigint
    sent_to: string[]
    received_at: Timestamp
    /** `InboxOutcome` of store/inbox.ts */
    outcome: string
    detail: string
    package_id: string | null
    observables: number
    not_understood: number
    /** of what nothing was understood: its elements, as gzip */
    content: Uint8Array | null
  }
}
