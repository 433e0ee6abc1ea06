import type { ColumnType, Generated } from 'kysely'

/** Labels and ids: bigint in the database, exact JavaScript numbers here (below 2^53). */
type Bigint = number
type Timestamp = ColumnType<Date, Date | string, Date | string>
type Json<T> = ColumnType<T, string, string>

export interface Tables {
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
  suppressions: {
    assertion_id: Bigint
    reason: string
    rule: string
    detail: string
    since: Timestamp
    counts: Generated<boolean>
    override_id: Bigint | null
  }
  overrides: {
    id: Generated<Bigint>
    indicator_id: Bigint
    reason: string
    rule: string | null
    because: string
    made_by: string
    made_at: Timestamp
    expires_at: Timestamp
    ended_by: string | null
    ended_at: Timestamp | null
    lapsed: Generated<boolean>
  }
  warninglists: {
    id: Generated<number>
    name: string
    title: string
    description: string
    list_version: Bigint
    kind: string
    effect: string
    effect_set_by_operator: Generated<boolean>
    enabled: Generated<boolean>
    origin: string
    types: string[]
    entries: string
    entry_count: number
    digest: string
    changed_at: Timestamp
  }
  judging: {
    singleton: Generated<boolean>
    policy: Json<unknown>
    rules_version: number
    version: number
    judged_version: number
    judging_version: number
    judged_through: Bigint
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
  recalls: {
    id: Generated<Bigint>
    source_id: number | null
    report_id: Bigint | null
    reason: string
    recalled_by: string
    recalled_at: Timestamp
    undone_by: string | null
    undone_at: Timestamp | null
    settled: Generated<boolean>
    through_publication: Generated<Bigint>
  }
  recalled_indicators: {
    indicator_id: Bigint
    recall_id: Bigint
  }
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
  feed_clock: {
    singleton: Generated<boolean>
    high_water_mark: Bigint
    swept_until: Timestamp | null
  }
  leases: {
    name: string
    holder: string | null
    token: Bigint
    expires_at: Timestamp
  }
  accounts: {
    id: Generated<number>
    name: string
    /** null: nobody signs in with a password */
    password_hash: string | null
    role: string
    client_age_out_days: Generated<number>
    disabled_at: Timestamp | null
    /** raised when the password changes or the account is disabled: JWTs name the one they were made for */
    credentials_version: Generated<number>
    created_at: Generated<Date>
    last_seen_at: Timestamp | null
  }
  tokens: {
    id: Generated<Bigint>
    account_id: number
    name: string
    /** SHA-256 of the token */
    digest: Uint8Array
    /** its last four characters, to tell it by */
    hint: string
    /** null: whatever the account's role may */
    scopes: string[] | null
    created_by: string
    created_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | null
    last_used_at: Timestamp | null
  }
  account_certificates: {
    id: Generated<number>
    account_id: number
    /** one of both */
    fingerprint: string | null
    subject: string | null
    created_by: string
    created_at: Timestamp
  }
  /** whence an account has proved itself with its password */
  account_addresses: {
    account_id: number
    address: string
    last_used_at: Timestamp
  }
  /** what must be kept and read again, sealed: security/envelope.ts */
  secrets: {
    name: string
    sealed: Uint8Array
    changed_at: Timestamp
  }
  idempotency_keys: {
    caller: string
    key: string
    /** of method, path and body */
    request: Uint8Array
    status: number
    /** the answer, sealed: it may hold a token that is shown once */
    sealed: Uint8Array
    created_at: Timestamp
  }
  secret_key: {
    singleton: Generated<boolean>
    /** names the key that new secrets are sealed under; not derived in a way that tells of it */
    key_id: string
    changed_at: Timestamp
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
  grants: {
    account_id: number
    collection_id: number
    can_read: boolean
    can_write: boolean
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
}

/** What a report says beyond what rules and blocks ask of it. */
export interface ReportDetails {
  readonly adversary: string
  readonly targetedCountries: readonly string[]
  readonly industries: readonly string[]
  readonly malwareFamilies: readonly string[]
  readonly attackIds: readonly string[]
}
