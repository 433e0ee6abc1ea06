/**
 * What is measured: `npm run bench [-- authors|feed|ingest|polls|reports|start|taxii …] [--runs N]`. Figures are medians with the
 * least and the most of all runs; limits are those of docs/performance.md.
 */
import { benchAuthors } from './authors.ts'
import { benchFeed } from './feed.ts'
import { benchIngest } from './ingest.ts'
import { benchJudging } from './judging.ts'
import { printLines } from './measure.ts'
import { benchPolls } from './polls.ts'
import { benchReports } from './reports.ts'
import { benchShow } from './show.ts'
import { benchStart } from './start.ts'
import { benchTaxii } from './taxii.ts'
import { benchWalk } from './walk.ts'

const benches = {
  authors: benchAuthors,
  feed: benchFeed,
  ingest: benchIngest,
  judging: benchJudging,
  polls: benchPolls,
  reports: benchReports,
  show: benchShow,
  start: benchStart,
  taxii: benchTaxii,
  walk: benchWalk,
}
type Name = keyof typeof benches

const args = process.argv.slice(2)
const at = args.indexOf('--runs')
const runs = at < 0 ? 3 : Number(args.splice(at, 2)[1])
const names = args.length > 0 ? args : Object.keys(benches)
for (const name of names) {
  const bench = benches[name as Name]
  if (!bench || !(runs >= 1)) {
    console.error(`usage: npm run bench -- [${Object.keys(benches).join('|')}] [--runs N]`)
    process.exit(2)
  }
  printLines(await bench(runs))
}
