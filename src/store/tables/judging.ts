import type { Generated } from 'kysely'
import type { Bigint, Json, Timestamp } from './columns.ts'

/** What speaks against assertions, and what that follows. */
export interface JudgingTables {
  judging: {
    singleton: Generated<boolean>
    policy: Json<unknown>
    rules_version: number
    version: number
    judged_version: number
    judging_version: number
    judged_through: Bigint
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
}
