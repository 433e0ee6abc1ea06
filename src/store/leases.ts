import { sql } from 'kysely'
import { LeaseLost } from '../model/errors.ts'
import type { Db } from './db.ts'

// Processes' clocks differ, so the database's is the only one that is asked. `clock_timestamp` and not
// `now`: a statement that has waited for the row's lock must see the moment at which it got it.

/** What its holder knows of a lease. */
export interface Lease {
  readonly name: string
  readonly holder: string
  /** of all that have ever held the lease, the later has the higher */
  readonly token: number
}

/**
 * Tries to get a lease that nobody has, or whose holder has not renewed it in time.
 * @returns its new token, one higher than the last; undefined: somebody has it
 */
export async function acquireLease(
  db: Db,
  { name, holder }: Pick<Lease, 'name' | 'holder'>,
  ttlMs: number,
): Promise<number | undefined> {
  // Who only looks locks no row and writes nothing: those who stand by ask each second.
  const { rows } = await sql<{ token: number }>`
    insert into leases as l (name, holder, token, expires_at)
    select ${name}::text, ${holder}::text, 1, ${expiry(ttlMs)}
    where not exists (select from leases l where l.name = ${name}::text and ${held(ttlMs)})
    on conflict (name) do update
      set holder = excluded.holder, token = l.token + 1, expires_at = ${expiry(ttlMs)}
      where not (${held(ttlMs)})
    returning token`.execute(db)
  return rows[0]?.token
}

/**
 * Holds on to a lease, also to one that has run out while nobody else took it.
 * @returns false when it is somebody else's now, or was released
 */
export async function renewLease(db: Db, lease: Lease, ttlMs: number): Promise<boolean> {
  const { rows } = await sql`
    update leases set expires_at = ${expiry(ttlMs)} where ${isOwn(lease)}
    returning token`.execute(db)
  return rows.length > 0
}

/**
 * Lets the next one have the lease at once. The row stays: its token must not come again.
 * @returns false when it was somebody else's already
 */
export async function releaseLease(db: Db, lease: Lease): Promise<boolean> {
  const { rows } = await sql`
    update leases set holder = null, expires_at = clock_timestamp() where ${isOwn(lease)}
    returning token`.execute(db)
  return rows.length > 0
}

/** Takes every lease from its holder; only for whoever knows that all of them are dead. */
export async function releaseAllLeases(db: Db): Promise<void> {
  await sql`
    update leases set holder = null, expires_at = clock_timestamp() where holder is not null`.execute(
    db,
  )
}

/**
 * Reads the lease in the transaction of a writer, and locks nothing: a frozen writer does not keep others
 * from taking over. So the answer holds to the end of the transaction only behind a lock that every writer
 * takes: who takes the lease over meanwhile has to wait for that before it can write.
 * @throws LeaseLost when it is somebody else's now, or was released
 */
export async function checkLease(trx: Db, lease: Lease): Promise<void> {
  const { rows } = await sql`select from leases where ${isOwn(lease)}`.execute(trx)
  if (rows.length === 0) throw new LeaseLost(lease.name, 'another process has taken it over')
}

const isOwn = ({ name, holder, token }: Lease) =>
  sql`name = ${name} and token = ${token} and holder = ${holder}`

const expiry = (ttlMs: number) => sql`clock_timestamp() + ${ttlMs} * interval '1 millisecond'`

// An expiry further ahead than anybody would have set it comes from before the clock stepped back: without
// the last condition nobody would get the lease until the clock is there again.
const held = (ttlMs: number) => sql`l.holder is not null and l.expires_at > clock_timestamp()
  and l.expires_at <= ${expiry(2 * ttlMs)}`
