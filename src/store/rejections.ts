import { sql } from 'kysely'
import type { Rejection } from '../model/report.ts'
import type { Db } from './db.ts'
import { recordset } from './recordset.ts'

/** Records what could not be taken; met again it is counted, not repeated. */
export async function writeRejections(
  db: Db,
  sourceId: number,
  rejections: readonly Rejection[],
  now: Date,
): Promise<void> {
  if (rejections.length === 0) return
  const records = rejections.map(({ place, reason, detail }) => ({
    p: place,
    r: reason,
    d: detail,
  }))
  await sql`
    insert into rejections (source_id, place, reason, detail, first_seen, last_seen)
    select distinct on (p, r) ${sourceId}::integer, p, r, d, ${now}::timestamptz, ${now}::timestamptz
    from json_to_recordset(${recordset(records)}::json) as x(p text, r text, d text)
    on conflict (source_id, place, reason) do update set
      times = rejections.times + 1, detail = excluded.detail, last_seen = excluded.last_seen`.execute(
    db,
  )
}

export interface RecordedRejection extends Rejection {
  readonly source: string
  readonly times: number
  readonly lastSeen: Date
}

/** What could not be taken, the newest first. */
export async function readRejections(db: Db, limit: number): Promise<readonly RecordedRejection[]> {
  const { rows } = await sql<RecordedRejection>`
    select s.name as source, x.place, x.reason, x.detail, x.times, x.last_seen as "lastSeen"
    from rejections x join sources s on s.id = x.source_id
    order by x.last_seen desc, x.id desc limit ${limit}`.execute(db)
  return rows
}
