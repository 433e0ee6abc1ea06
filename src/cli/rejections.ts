import { Command } from 'commander'
import { readRejections } from '../store/rejections.ts'
import { parseCount } from './parse-count.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

export function rejectionsCommand(): Command {
  return new Command('rejections')
    .description('show the records that could not be read at all, the newest first')
    .option('--limit <rows>', 'at most so many', parseCount, 100)
    .option('--json', 'one JSON object a line')
    .action(({ limit, json }: { limit: number; json?: boolean }) =>
      withStore(async ({ db }) => {
        const found = await readRejections(db, limit)
        if (json) {
          for (const one of found) console.log(JSON.stringify(one))
          return
        }
        const rows = found.map((one) => [
          one.source,
          one.place,
          one.reason,
          one.detail,
          one.times,
          one.lastSeen.toISOString(),
        ])
        const headings = ['SOURCE', 'PLACE', 'REASON', 'DETAIL', 'TIMES', 'LAST SEEN']
        console.log(formatTable(headings, rows))
      }),
    )
}
