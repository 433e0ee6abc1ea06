import type { Config } from './config.ts'
import type { Log } from './log.ts'
import { findLongestAgeOut } from './store/accounts.ts'
import type { Db } from './store/db.ts'

/** A poll that the ledger forgets before its client forgets what it got: then nobody knows who holds it. */
export async function warnOfShortLedger(
  db: Db,
  { ledgerDays }: Pick<Config, 'ledgerDays'>,
  log: Log,
): Promise<void> {
  const longest = await findLongestAgeOut(db)
  if (!longest || longest.days <= ledgerDays) return
  log.warn(
    { account: longest.name, clientAgeOutDays: longest.days, ledgerDays },
    `TAXIWAY_LEDGER_DAYS is ${ledgerDays}, but the client of "${longest.name}" keeps what it was sent for ` +
      `${longest.days} days: who may still hold an indicator is then not known to the end. Raise it to ${longest.days} or more.`,
  )
}
