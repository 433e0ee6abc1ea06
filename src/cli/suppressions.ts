import { Command, Option } from 'commander'
import { type Reason, reasonNames, reasons } from '../curation/reasons.ts'
import type { Db } from '../store/db.ts'
import {
  countLeftToCollections,
  countRules,
  type LeftToCollection,
  type RuleCount,
  readSuppressions,
} from '../store/suppressions.ts'
import { parseCount } from './parse-count.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

interface Options {
  readonly reason?: Reason
  readonly rule?: string
  readonly all?: boolean
  readonly rules?: boolean
  readonly collections?: boolean
  readonly limit: number
  readonly json?: boolean
}

export function suppressionsCommand(): Command {
  return new Command('suppressions')
    .description('show what speaks against assertions, and what keeps them out of every feed')
    .addOption(new Option('--reason <reason>', 'list what it speaks against').choices(reasonNames))
    .option('--rule <rule>', 'list what this rule speaks against')
    .option('--all', 'list everything')
    .option('--rules', 'count by rule; of one reason with --reason')
    .option('--collections', 'count what each collection keeps out for itself')
    .option('--limit <rows>', 'list at most so many', parseCount, 100)
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  taxiway suppressions --reason private-address\n' +
        '  taxiway suppressions --rules --reason warninglist',
    )
    .action((options: Options) =>
      withStore(async ({ db }) => {
        const { reason, rule, all, rules, collections, limit, json } = options
        if (collections) return showCollections(await countLeftToCollections(db), limit, json)
        if (rules) return showRules(await countRules(db, { reason, rule }), limit, json)
        if (reason === undefined && rule === undefined && !all) return showReasons(db, json)
        const found = await readSuppressions(db, { reason, rule, limit })
        if (json) return printLines(found)
        const rows = found.map((one) => [
          one.type,
          one.value,
          one.reason,
          one.detail,
          one.rule,
          one.report,
          one.override === null ? '' : `by override ${one.override}`,
        ])
        const headings = ['TYPE', 'VALUE', 'REASON', 'DETAIL', 'RULE', 'REPORT', 'LIFTED']
        console.log(formatTable(headings, rows))
        if (found.length === limit) console.log(`(the first ${limit}; --limit shows more)`)
      }),
    )
}

const mostRules = 10
const mostCollections = 10

async function showReasons(db: Db, json: boolean | undefined): Promise<void> {
  const byRule = await countRules(db)
  const counted = sumByReason(byRule)
  if (json) return printLines(counted)
  const rows = counted.map((one) => [
    one.reason,
    one.assertions,
    one.lifted,
    reasons[one.reason as Reason] ?? '',
  ])
  console.log(formatTable(['REASON', 'ASSERTIONS', 'LIFTED', 'WHAT IT MEANS'], rows))
  if (byRule.length > 0) {
    console.log('\nThe rules that speak most:')
    showRules(byRule, mostRules, false)
  }
  const left = await countLeftToCollections(db)
  if (left.some(({ aboveTlp, notPublic }) => aboveTlp + notPublic > 0)) {
    console.log(
      '\nOf what survives, each collection keeps out for itself, whatever its rule selects:',
    )
    showCollections(left, mostCollections, false)
  }
}

interface ReasonCount extends Omit<RuleCount, 'rule'> {
  readonly rules: number
}

/** An assertion that two rules of one reason speak against counts twice. */
function sumByReason(counts: readonly RuleCount[]): readonly ReasonCount[] {
  const found = Map.groupBy(counts, ({ reason }) => reason)
  const sum = (rules: readonly RuleCount[], name: 'assertions' | 'lifted' | 'leftToCollections') =>
    rules.reduce((total, one) => total + one[name], 0)
  return [...found]
    .map(([reason, rules]) => ({
      reason,
      assertions: sum(rules, 'assertions'),
      lifted: sum(rules, 'lifted'),
      leftToCollections: sum(rules, 'leftToCollections'),
      rules: rules.length,
    }))
    .sort((a, b) => b.assertions - a.assertions || (a.reason < b.reason ? -1 : 1))
}

function showRules(counts: readonly RuleCount[], limit: number, json: boolean | undefined): void {
  const shown = counts.slice(0, limit)
  if (json) {
    printLines(shown)
    return
  }
  const rows = shown.map((one) => [one.rule, one.reason, one.assertions, one.lifted])
  console.log(formatTable(['RULE', 'REASON', 'ASSERTIONS', 'LIFTED'], rows))
  if (counts.length > limit) {
    console.log(`(the first ${limit} of ${counts.length}; --rules with --limit shows more)`)
  }
}

function showCollections(
  counts: readonly LeftToCollection[],
  limit: number,
  json: boolean | undefined,
): void {
  const shown = counts.slice(0, limit)
  if (json) {
    printLines(shown)
    return
  }
  const rows = shown.map((one) => [one.collection, one.maxTlp, one.aboveTlp, one.notPublic])
  console.log(formatTable(['COLLECTION', 'MAX TLP', 'ABOVE IT', 'NOT PUBLIC'], rows))
  if (counts.length > limit) {
    console.log(`(the first ${limit} of ${counts.length}; --collections with --limit shows more)`)
  }
}

function printLines(objects: readonly object[]): void {
  for (const object of objects) console.log(JSON.stringify(object))
}
