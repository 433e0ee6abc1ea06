import type { Holder } from '../store/holders.ts'
import { formatTable } from './table.ts'

/** Who may hold it, as a table, and what to do about it. */
export function describeHolders(what: string, holders: readonly Holder[], now: Date): string {
  if (holders.length === 0) return `${what}: no client was sent it, as far as the ledger goes back.`
  const held = mayBeHeld(holders, now)
  return `${what}\n${holdersTable(holders, now)}${held ? `\n${howToPurge}` : ''}`
}

export function holdersTable(holders: readonly Holder[], now: Date): string {
  const rows = holders.map(({ account, lastSent, mayHoldUntil }) => [
    account,
    lastSent.toISOString(),
    mayHoldUntil.toISOString(),
    mayHoldUntil > now ? 'may hold it' : 'has dropped it',
  ])
  return formatTable(['ACCOUNT', 'LAST SENT', 'MAY HOLD UNTIL', 'NOW'], rows)
}

export function mayBeHeld(holders: readonly Holder[], now: Date): boolean {
  return holders.some(({ mayHoldUntil }) => mayHoldUntil > now)
}

export const howToPurge =
  'TAXII 1.1 cannot take it back. To be rid of it sooner, have the client drop the feed and poll it anew,\n' +
  'after `taxiway withdraw`. On an ESA: remove the source and add it again (docs/esa.md, 7).'
