import type { DetailedSource } from '../admin/source-schema.ts'
import { authorCollectionName } from '../model/author-collection.ts'
import { formatTable, printable } from './table.ts'

// Each that fails is one, and they fail together.
const maxProblems = 5

/**
 * A source as people read it.
 * @param present names of collections that there are
 */
export function sourceToText(source: DetailedSource, present: ReadonlySet<string>): string {
  const { name, status, problems, degradedSince, walk, counts, watermark } = source
  const lines = [`${name}: ${status}${degradedSince ? ` since ${degradedSince}` : ''}`]
  for (const { code, message, advice, lastMetAt } of problems.slice(0, maxProblems)) {
    lines.push(`  ${printable(code)}: ${printable(message)} (${lastMetAt})`, `    → ${advice}`)
  }
  if (problems.length > maxProblems) {
    lines.push(`  and ${problems.length - maxProblems} more; --json has all`)
  }
  const walked: [string, string][] = [
    ['last whole walk', source.lastWholeWalkAt ?? 'never'],
    ['next try', nextTry(source)],
    ...(walk ? [['walk', describeWalk(walk)] as [string, string]] : []),
    ...(watermark ? [['has all up to', watermark] as [string, string]] : []),
    ['walked by', source.walker ?? 'nobody now: is the service with the key running?'],
  ]
  const facts: [string, string][] = [
    ...(status === 'by inbox'
      ? [['comes by', 'Inbox_Messages; see taxiway inbox list'] as [string, string]]
      : walked),
    ['reports', `${counts.reports}${unfinished(source)}, and ${counts.goneReports} that are gone`],
    ['assertions', `${counts.assertions}, of which ${counts.survivingAssertions} survive judging`],
    [
      'rejections',
      `${counts.rejections}${counts.rejections > 0 ? '; see taxiway rejections' : ''}`,
    ],
  ]
  const width = Math.max(...facts.map(([what]) => what.length))
  for (const [what, fact] of facts) lines.push(`  ${what.padEnd(width)}  ${printable(fact)}`)
  if (source.authors.length > 0) lines.push('', authorsTable(source, present))
  return lines.join('\n')
}

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

function authorsTable({ authors }: DetailedSource, present: ReadonlySet<string>): string {
  const rows = authors.map(({ author, reports }) => {
    const name = authorCollectionName(author)
    const none = name === undefined ? 'none: the name cannot be part of one' : 'none'
    return [author, reports, name !== undefined && present.has(name) ? name : none]
  })
  return formatTable(['AUTHOR', 'REPORTS', 'COLLECTION'], rows)
}
