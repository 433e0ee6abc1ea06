import { Command, Option } from 'commander'
import {
  type CidrForm,
  type Collection,
  cidrForms,
  type Profile,
  profiles,
  type Shape,
} from '../model/collection.ts'
import { CollectionNotFound, ConfigError } from '../model/errors.ts'
import type { ObservableType } from '../model/observable.ts'
import { findLeftOut } from '../stix/profiles.ts'
import { readAccounts } from '../store/accounts.ts'
import { findCollection } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { readPermittedIndicators } from '../store/lint.ts'
import type { IndicatorWithPermits } from '../store/views.ts'
import { createLintTally, type LintCounts, type Omission } from './lint-tally.ts'
import { lintJson, lintText } from './lint-text.ts'
import { showProgress } from './rejudging.ts'
import { printable } from './table.ts'
import { withStore } from './with-store.ts'
import { type ShortestAgeOut, worthKnowing } from './worth-knowing.ts'

interface LintOptions {
  readonly profile?: Profile
  readonly cidr?: CidrForm
  readonly values?: boolean
  readonly json?: boolean
}

export function collectionLintCommand(): Command {
  return new Command('lint')
    .description('tell what the profile leaves out of a collection, and why')
    .argument('<name>')
    .addOption(new Option('--profile <profile>', 'as if it had this profile').choices(profiles))
    .addOption(
      new Option('--cidr <form>', 'as if it spelled blocks of addresses so').choices(cidrForms),
    )
    .option('--values', 'print each value that is left out, one a line: type, rule, value')
    .option('--json', 'one JSON object; with --values, one a line')
    .addHelpText(
      'after',
      '\nIt changes nothing. What judging keeps out is told by: taxiway suppressions' +
        '\n\nExamples:\n' +
        '  taxiway collection lint esa-network\n' +
        '  taxiway collection lint everything --profile esa',
    )
    .action((name: string, options: LintOptions) =>
      withStore(async ({ db }) => {
        const collection = await findCollection(db, name)
        if (!collection) throw new CollectionNotFound(name)
        const shape = shapeOf(collection, options)
        const { json } = options
        if (options.values) {
          await forEachPermitted(db, collection, shape, (type, value, omission) => {
            if (omission) console.log(valueLine(type, value, omission, json))
          })
          return
        }
        const { progress, end } = showProgress('indicators looked at')
        const counts = await countLeftOut(db, collection, shape, progress)
        end()
        const lint = {
          collection,
          shape,
          behind: collection.reconciledVersion < collection.settingsVersion,
          counts,
          worthKnowing: worthKnowing({ ...collection, ...shape }, await findAgeOut(db, name)),
        }
        console.log(json ? lintJson(lint) : lintText(lint))
      }),
    )
}

/** Counts what the shape, the collection's own or another, leaves out of what the collection permits. */
export async function countLeftOut(
  db: Db,
  collection: Collection,
  shape: Shape,
  onProgress?: (lookedAt: number) => void,
): Promise<LintCounts> {
  const tally = createLintTally()
  await forEachPermitted(db, collection, shape, tally.add, onProgress)
  return tally.counts()
}

function shapeOf(collection: Collection, { profile, cidr }: LintOptions): Shape {
  const asked = profile ?? collection.profile
  if (asked === 'full') return { profile: asked, cidr: cidr ?? collection.cidr }
  if (cidr !== undefined && cidr !== 'omit') {
    throw new ConfigError(
      `--cidr ${cidr} needs the profile full; the profile ${asked} publishes no blocks of addresses. Add --profile full`,
    )
  }
  return { profile: asked, cidr: 'omit' }
}

/** Tells of each indicator that the collection permits whether it is left out, and why. */
export async function forEachPermitted(
  db: Db,
  collection: Collection,
  shape: Shape,
  each: (type: ObservableType, value: string, omission: Omission | undefined) => void,
  onProgress: (lookedAt: number) => void = () => {},
): Promise<void> {
  let lookedAt = 0
  for await (const batch of readPermittedIndicators(db, collection, new Date())) {
    for (const one of batch.permitted) {
      each(one.type, one.value, findOmission(collection, shape, one))
    }
    lookedAt += batch.lookedAt
    onProgress(lookedAt)
  }
}

function findOmission(
  { packaging }: Collection,
  shape: Shape,
  { type, value, permitted }: IndicatorWithPermits,
): Omission | undefined {
  const leftOut = findLeftOut(shape, type, value)
  if (leftOut || packaging === 'indicator') return leftOut
  if (permitted.some(({ reportId }) => reportId !== undefined)) return undefined
  return {
    rule: 'no-report',
    text: 'its packaging report has no indicators that stand in no report',
  }
}

/** The columns are parted by a tab, so that a value with blanks stays one. */
function valueLine(
  type: ObservableType,
  value: string,
  { rule, text }: Omission,
  json: boolean | undefined,
): string {
  return json
    ? JSON.stringify({ type, rule, value, text })
    : `${type}\t${rule}\t${printable(value)}`
}

async function findAgeOut(db: Db, collection: string): Promise<ShortestAgeOut | undefined> {
  const readers = (await readAccounts(db)).filter(({ reads }) => reads.includes(collection))
  const [soonest] = readers.sort((a, b) => a.clientAgeOutDays - b.clientAgeOutDays)
  return soonest && { account: soonest.name, days: soonest.clientAgeOutDays }
}
