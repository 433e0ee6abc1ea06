import type { AccountTables } from './tables/accounts.ts'
import type { ClientTables } from './tables/clients.ts'
import type { Bigint, Timestamp } from './tables/columns.ts'
import type { FeedTables } from './tables/feeds.ts'
import type { JudgingTables } from './tables/judging.ts'
import type { SourcesTables } from './tables/sources.ts'

export type { ReportDetails } from './tables/sources.ts'

/** Every table of the store. */
export interface Tables
  extends AccountTables,
    ClientTables,
    FeedTables,
    JudgingTables,
    SourcesTables {
  leases: {
    name: string
    holder: string | null
    token: Bigint
    expires_at: Timestamp
  }
}
