import { Command } from 'commander'
import { type DetailedSource, readDetailedSource, sourceToJson } from '../admin/sources.ts'
import { requestResync } from '../ingest/walk-cursor.ts'
import { authorCollectionName } from '../model/author-collection.ts'
import { ConfigError } from '../model/errors.ts'
import { findCollectionNames } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { getSource, readSources } from '../store/source-state.ts'
import { parseMoment } from './parse-moment.ts'
import { formatTable, printable } from './table.ts'
import { withStore } from './with-store.ts'

export function sourceCommand(): Command {
  const list = new Command('list')
    .description('list the sources and how each is')
    .option('--json', 'one JSON object a line')
    .action(({ json }: { json?: boolean }) =>
      withStore(async ({ db }) => {
        const sources = (await readSources(db)).map(sourceToJson)
        if (json) {
          for (const source of sources) console.log(JSON.stringify(source))
          return
        }
        if (sources.length === 0) {
          console.log('No source has been walked: set TAXIWAY_OTX_API_KEY and start the service.')
          return
        }
        const headings = ['SOURCE', 'STATUS', 'SINCE', 'LAST WHOLE WALK', 'NEXT TRY', 'WHY']
        const rows = sources.map((source) => [
          source.name,
          source.status,
          source.degradedSince ?? '',
          source.lastWholeWalkAt ?? 'never',
          source.nextTryAt ?? '',
          source.problems[0]?.code ?? '',
        ])
        console.log(formatTable(headings, rows))
      }),
    )
  const show = new Command('show')
    .description('show how a source is, why, what to do about it, and what it has brought')
    .argument('<name>', 'such as otx')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  taxiway source show otx')
    .action((name: string, { json }: { json?: boolean }) =>
      withStore(async ({ db }) => {
        const source = await readDetailedSource(db, await getSource(db, name))
        console.log(json ? JSON.stringify(source) : await describe(db, source))
      }),
    )
  const resync = new Command('resync')
    .description('let the next walk begin with what has changed at the source since a moment')
    .argument('<name>', 'such as otx')
    .requiredOption('--since <moment>', 'a date, or so many days ago: 2026-01-01, 90d', parseMoment)
    .addHelpText('after', '\nExample:\n  taxiway source resync otx --since 90d')
    .action((name: string, { since }: { since: Date }) =>
      withStore(async ({ db }) => {
        const { id, state, walker } = await getSource(db, name)
        if (since > new Date()) throw new ConfigError('--since must lie in the past')
        await requestResync(db, id, since)
        console.log(`The next walk takes in what ${name} has changed since ${since.toISOString()}.`)
        if (!walker) console.log('Nobody walks it now: it begins when the service starts.')
        else if (state.walk?.underWay) console.log('It begins after the walk that is under way.')
        else if (state.nextTryAt) console.log(`It begins at ${state.nextTryAt.toISOString()}.`)
      }),
    )
  return new Command('source')
    .description('look at where indicators come from')
    .addCommand(list)
    .addCommand(show)
    .addCommand(resync)
}

async function describe(db: Db, source: DetailedSource): Promise<string> {
  const { name, status, problems, degradedSince, walk, counts, watermark } = source
  const lines = [`${name}: ${status}${degradedSince ? ` since ${degradedSince}` : ''}`]
  for (const { code, message, advice, lastMetAt } of problems.slice(0, maxProblems)) {
    lines.push(`  ${printable(code)}: ${printable(message)} (${lastMetAt})`, `    → ${advice}`)
  }
  if (problems.length > maxProblems) {
    lines.push(`  and ${problems.length - maxProblems} more; --json has all`)
  }
  const facts: [string, string][] = [
    ['last whole walk', source.lastWholeWalkAt ?? 'never'],
    ['next try', nextTry(source)],
    ...(walk ? [['walk', describeWalk(walk)] as [string, string]] : []),
    ...(watermark ? [['has all up to', watermark] as [string, string]] : []),
    ['walked by', source.walker ?? 'nobody now: is the service with the key running?'],
    ['reports', `${counts.reports}${unfinished(source)}, and ${counts.goneReports} that are gone`],
    ['assertions', `${counts.assertions}, of which ${counts.survivingAssertions} survive judging`],
    [
      'rejections',
      `${counts.rejections}${counts.rejections > 0 ? '; see taxiway rejections' : ''}`,
    ],
  ]
  const width = Math.max(...facts.map(([what]) => what.length))
  for (const [what, fact] of facts) lines.push(`  ${what.padEnd(width)}  ${printable(fact)}`)
  if (source.authors.length > 0) lines.push('', await authorsTable(db, source))
  return lines.join('\n')
}

// Each that fails is one, and they fail together.
const maxProblems = 5

function nextTry({ nextTryAt, walk }: DetailedSource): string {
  if (nextTryAt) return nextTryAt
  return walk?.underWay ? 'under way' : 'not known'
}

function describeWalk({ since, underWay, passed, total }: NonNullable<DetailedSource['walk']>) {
  const begun = underWay ? `under way since ${since}` : `broke off; begun at ${since}`
  if (passed === null) return begun
  return `${begun}, ${passed}${total === null ? '' : ` of ${total}`} passed`
}

function unfinished({ unfinishedReports }: DetailedSource): string {
  return unfinishedReports > 0 ? `, ${unfinishedReports} of them not whole yet` : ''
}

async function authorsTable(db: Db, { authors }: DetailedSource): Promise<string> {
  const names = authors.flatMap(({ author }) => authorCollectionName(author) ?? [])
  const present = new Set(await findCollectionNames(db, names))
  const rows = authors.map(({ author, reports }) => {
    const name = authorCollectionName(author)
    const none = name === undefined ? 'none: the name cannot be part of one' : 'none'
    return [author, reports, name !== undefined && present.has(name) ? name : none]
  })
  return formatTable(['AUTHOR', 'REPORTS', 'COLLECTION'], rows)
}
