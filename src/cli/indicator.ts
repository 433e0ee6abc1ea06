import { Command, Option } from 'commander'
import { ConfigError } from '../model/errors.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { findHolders, type Holder } from '../store/holders.ts'
import { findNamedIndicators } from '../store/named-indicators.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

export function indicatorCommand(): Command {
  const holders = new Command('holders')
    .description('tell whose clients may still hold an indicator, and until when')
    .argument('<value>', 'in any usual spelling, defanged too')
    .addOption(new Option('--type <type>', 'only of this type').choices(observableTypes))
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  taxiway indicator holders mail.example.org')
    .action((value: string, { type, json }: { type?: ObservableType; json?: boolean }) =>
      withStore(async ({ db }) => {
        const [found = []] = await findNamedIndicators(db, [value], type)
        if (found.length === 0) throw new ConfigError(`no indicator in the store: ${value}`)
        for (const indicator of found) {
          const held = await findHolders(db, { indicatorIds: [indicator.id] })
          if (json)
            console.log(
              JSON.stringify({ type: indicator.type, value: indicator.value, holders: held }),
            )
          else console.log(describe(`${indicator.type} ${indicator.value}`, held, new Date()))
        }
      }),
    )
  return new Command('indicator').description('look at indicators').addCommand(holders)
}

/** Who may hold it, as a table, and what to do about it. */
export function describe(what: string, holders: readonly Holder[], now: Date): string {
  if (holders.length === 0) return `${what}: no client was sent it, as far as the ledger goes back.`
  const rows = holders.map(({ account, lastSent, mayHoldUntil }) => [
    account,
    lastSent.toISOString(),
    mayHoldUntil.toISOString(),
    mayHoldUntil > now ? 'may hold it' : 'has dropped it',
  ])
  const table = formatTable(['ACCOUNT', 'LAST SENT', 'MAY HOLD UNTIL', 'NOW'], rows)
  const held = holders.some(({ mayHoldUntil }) => mayHoldUntil > now)
  return `${what}\n${table}${held ? `\n${howToPurge}` : ''}`
}

export const howToPurge =
  'TAXII 1.1 cannot take it back. To be rid of it sooner, have the client drop the feed and poll it anew,\n' +
  'after `taxiway withdraw`. On an ESA: remove the source and add it again (docs/esa-quickstart.md, 5).'
