import { lockIntake } from '../store/blocks.ts'
import type { Db } from '../store/db.ts'
import { readCursor, saveCursor } from '../store/sources.ts'

/** What is kept of walks between them, as it stands in the source's cursor. */
export interface WalkCursor {
  /** up to which `modified` the last whole walk has all pulses */
  readonly watermark?: string
  /** where an operator wants the next walk to begin */
  readonly since?: string
  /** the walk under way */
  readonly walk?: ListPlace
  /** walks through the pulses of authors who were subscribed to lately */
  readonly authors?: readonly (ListPlace & { readonly author: string })[]
  /** ids of pulses that are to be fetched one by one */
  readonly fetch?: readonly string[]
  /** the last event seen, and the keys of those near it, which the overlap shows again */
  readonly events?: { readonly last: string; readonly seen: readonly string[] }
  readonly reconciliation?: {
    /** of the last list of ids */
    readonly at: string
    /** reports that it lacked: gone when the next list lacks them too */
    readonly missing: readonly string[]
  }
  /** the ids are to be compared without waiting for the day to be over */
  readonly reconcile?: true
}

/** A place in a list of pulses. */
export interface ListPlace {
  /** all pulses modified since then */
  readonly since: string
  /** the operator's wish that this walk fulfils */
  readonly asked?: string
  readonly begun: string
  /** pulses before the next page */
  readonly offset: number
  readonly pageSize?: number
  /** how many pulses there were on the last page's word */
  readonly count?: number
  /** the newest `modified` met */
  readonly newest?: string
  /** the list has become shorter while it was walked, so that a pulse may have been passed over */
  readonly shrunk?: true
  /** how often it has begun again for that */
  readonly repeats?: number
}

/** @returns the cursor; of one that an older version wrote what can still be used */
export async function readWalkCursor(db: Db, sourceId: number): Promise<WalkCursor> {
  const { walk, ...rest } = (await readCursor(db, sourceId)) as WalkCursor
  // Before there were offsets, places were numbers of pages of a size that is not known.
  return typeof walk?.offset === 'number' ? { ...rest, walk } : rest
}

/**
 * Changes the cursor as it is now, so that what others have wished meanwhile is kept. Needs the intake lock;
 * pass the transaction that stores what the cursor passes.
 */
export async function changeCursor(
  trx: Db,
  sourceId: number,
  change: (cursor: WalkCursor) => WalkCursor,
): Promise<void> {
  await saveCursor(trx, sourceId, change(await readWalkCursor(trx, sourceId)))
}

/**
 * Lets the next walk begin at pulses modified since then; one that is under way is finished first, and one
 * that was broken off begins anew. Takes the intake lock, in the transaction that is given or one of its own.
 */
export async function requestResync(db: Db, sourceId: number, since: Date): Promise<void> {
  if (!db.isTransaction) {
    await db.transaction().execute((trx) => requestResync(trx, sourceId, since))
    return
  }
  await lockIntake(db)
  await changeCursor(db, sourceId, (cursor) => ({ ...cursor, since: since.toISOString() }))
}
