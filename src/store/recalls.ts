import { sql } from 'kysely'

/** Whether an operator took out what assertion `a` says, be it by its source, its report or its indicator. */
export const isRecalled = sql<boolean>`(
  exists (select from recalls r where r.source_id = a.source_id and r.undone_at is null)
  or exists (select from recalls r where r.report_id = a.report_id and r.undone_at is null)
  or exists (select from recalled_indicators x join recalls r on r.id = x.recall_id
    where x.indicator_id = a.indicator_id and r.undone_at is null))`
