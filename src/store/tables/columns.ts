import type { ColumnType } from 'kysely'

/** Labels and ids: bigint in the database, exact JavaScript numbers here (below 2^53). */
export type Bigint = number
export type Timestamp = ColumnType<Date, Date | string, Date | string>
export type Json<T> = ColumnType<T, string, string>
