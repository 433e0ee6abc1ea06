import { Command, Option } from 'commander'
import { type Reason, reasonNames, reasons } from '../curation/reasons.ts'
import { countSuppressions, readSuppressions } from '../store/suppressions.ts'
import { parseCount } from './parse-count.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

export function suppressionsCommand(): Command {
  return new Command('suppressions')
    .description('show what is kept out of every feed, and why')
    .addOption(
      new Option('--reason <reason>', 'list what this reason keeps out').choices(reasonNames),
    )
    .option('--all', 'list everything that is kept out')
    .option('--limit <rows>', 'list at most so many', parseCount, 100)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  taxiway suppressions --reason private-address')
    .action((options: { reason?: Reason; all?: boolean; limit: number; json?: boolean }) =>
      withStore(async ({ db }) => {
        const { reason, all, limit, json } = options
        if (reason === undefined && !all) {
          const counts = await countSuppressions(db)
          if (json) return printLines(counts)
          const rows = counts.map((one) => [
            one.reason,
            one.assertions,
            reasons[one.reason as Reason] ?? '',
          ])
          console.log(formatTable(['REASON', 'ASSERTIONS', 'WHAT IT MEANS'], rows))
          return
        }
        const found = await readSuppressions(db, { reason, limit })
        if (json) return printLines(found)
        const rows = found.map((one) => [one.type, one.value, one.reason, one.detail, one.report])
        console.log(formatTable(['TYPE', 'VALUE', 'REASON', 'DETAIL', 'REPORT'], rows))
        if (found.length === limit) console.log(`(the first ${limit}; --limit shows more)`)
      }),
    )
}

function printLines(objects: readonly object[]): void {
  for (const object of objects) console.log(JSON.stringify(object))
}
