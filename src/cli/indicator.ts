import { Command, Option } from 'commander'
import { IndicatorNotFound } from '../model/errors.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { findHolders } from '../store/holders.ts'
import { findNamedIndicators } from '../store/named-indicators.ts'
import { describeHolders } from './holders-text.ts'
import { indicatorSearchCommand } from './indicator-search.ts'
import { indicatorShowCommand } from './indicator-show.ts'
import { named } from './named-values.ts'
import { overrideCommand } from './override.ts'
import { withStore } from './with-store.ts'
import { withdrawIndicatorCommand } from './withdraw.ts'

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
        if (found.length === 0)
          throw new IndicatorNotFound(`no indicator in the store: ${named(value)}`)
        for (const { id, type, value } of found) {
          const held = await findHolders(db, { indicatorIds: [id] })
          console.log(
            json
              ? JSON.stringify({ type, value, holders: held })
              : describeHolders(`${type} ${value}`, held, new Date()),
          )
        }
      }),
    )
  return new Command('indicator')
    .description('look at indicators, take them out or let them in')
    .addCommand(indicatorShowCommand())
    .addCommand(indicatorSearchCommand())
    .addCommand(overrideCommand())
    .addCommand(withdrawIndicatorCommand('withdraw'))
    .addCommand(holders)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  taxiway indicator show mail.example.org\n' +
        "  taxiway indicator search '*.example.org' --suppressed",
    )
}
