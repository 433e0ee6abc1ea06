import { gzipSync } from 'node:zlib'
import type { Intake } from '../src/intake/intake.ts'
import { recall, settleRecalls } from '../src/intake/recall.ts'
import { takeIn } from '../src/intake/take-in.ts'
import type { Packaging } from '../src/model/collection.ts'
import { isRejection, pulseToReport } from '../src/sources/otx/pulse.ts'
import { readCollections } from '../src/store/collections.ts'
import { openStore, type Store } from '../src/store/db.ts'
import { readBlocks, readSafeLabel } from '../src/store/feed.ts'
import { createHeadReader } from '../src/store/packages.ts'
import { getSourceId } from '../src/store/sources.ts'
import { withDatabase } from './database.ts'
import { benchCollection, makeFeeds } from './fill.ts'
import { type Line, plain, summarize } from './measure.ts'
import { syntheticPulses } from './synthetic.ts'

const pulses = 40
const indicatorsPerPulse = 500

interface Side {
  readonly store: Store
  readonly intake: Intake
  readonly sourceId: number
}

/** In milliseconds a pulse, and for the whole feed. */
interface Figures {
  readonly first: number
  readonly renamed: number
  readonly read: number
  readonly megabytes: number
  readonly gzipMegabytes: number
  readonly recalled: number
  readonly settled: number
}

/**
 * What the packaging `report` costs beside `indicator`: the same pulses into two stores in turn, then the same
 * pulses under other names, which renders all again, then the feed read as a poll reads it, then the source recalled.
 */
export async function benchReports(runs: number): Promise<readonly Line[]> {
  const results: (readonly [Figures, Figures])[] = []
  for (let run = 0; run < runs; run += 1) {
    await withDatabase((one) =>
      withDatabase(async (other) => {
        results.push(await compare(one, other))
      }),
    )
  }
  const lines = (what: string, name: keyof Figures, unit: string): Line[] => {
    const of = (side: 0 | 1) => summarize(results.map((result) => result[side][name]))
    const ratio = summarize(results.map(([one, other]) => other[name] / one[name]))
    return [
      plain(`${what}, as indicators`, of(0), unit),
      plain('  as reports', of(1), unit),
      plain('  as reports : as indicators', ratio, ''),
    ]
  }
  return [
    ...lines('500 indicators taken in', 'first', 'ms'),
    ...lines('their report taken in under another name', 'renamed', 'ms'),
    ...lines('a feed of 20,000 read', 'read', 'ms'),
    ...lines('  its size', 'megabytes', 'MB'),
    ...lines('  its size in gzip', 'gzipMegabytes', 'MB'),
    ...lines('recall of its source, committed', 'recalled', 'ms'),
    ...lines('  settled', 'settled', 'ms'),
  ]
}

async function compare(one: string, other: string): Promise<[Figures, Figures]> {
  const sides = [await open(one, 'indicator'), await open(other, 'report')] as const
  try {
    const first = await takeInAll(sides, '')
    const renamed = await takeInAll(sides, ' again')
    const figures: Figures[] = []
    for (const [place, side] of sides.entries()) {
      const feed = await readFeed(side)
      const { ms: recalled } = await timed(() =>
        recall(side.intake, { subject: { source: 'otx' }, reason: 'bench', by: 'bench' }),
      )
      const { ms: settled } = await timed(() => settleRecalls(side.intake))
      figures.push({
        first: first[place] as number,
        renamed: renamed[place] as number,
        ...feed,
        recalled,
        settled,
      })
    }
    return figures as [Figures, Figures]
  } finally {
    for (const { store } of sides) await store.close()
  }
}

async function open(databaseUrl: string, packaging: Packaging): Promise<Side> {
  const store = await openStore({ databaseUrl, dataDir: '' })
  const intake = await makeFeeds(store.db, [benchCollection({ profile: 'full', packaging })])
  return { store, intake, sourceId: await getSourceId(store.db, 'otx') }
}

/** @returns the median of each side, in milliseconds a pulse */
async function takeInAll(sides: readonly Side[], suffix: string): Promise<number[]> {
  const ms: number[][] = sides.map(() => [])
  for (const pulse of syntheticPulses({ pulses, indicatorsPerPulse, duplicates: 0 })) {
    const settings = { defaultTlp: 'white', confidence: 25, now: new Date() } as const
    const report = pulseToReport({ ...pulse, name: `${pulse.name}${suffix}` }, settings)
    if (isRejection(report)) throw new Error(report.detail)
    for (const [place, { intake, sourceId }] of sides.entries()) {
      const { ms: taken } = await timed(() =>
        takeIn(intake, { sourceId, reports: [report], rejections: [] }),
      )
      ms[place]?.push(taken)
    }
  }
  return ms.map((values) => summarize(values).median)
}

async function readFeed({ store }: Side) {
  const { db } = store
  const [collection] = await readCollections(db)
  if (!collection) throw new Error('there is no collection')
  const { id, bindings } = collection
  const { safe: end, asOf } = await readSafeLabel(db, id)
  const snapshot = { collectionId: id, binding: bindings[0] as (typeof bindings)[0], asOf }
  const contents: string[] = []
  const { ms: read } = await timed(async () => {
    const range = { begin: undefined, end }
    for await (const blocks of readBlocks(db, createHeadReader(db), snapshot, range)) {
      for (const { content } of blocks) contents.push(content)
    }
  })
  const bytes = Buffer.from(contents.join(''))
  const mb = (length: number) => length / 1e6
  return { read, megabytes: mb(bytes.length), gzipMegabytes: mb(gzipSync(bytes).length) }
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const begin = performance.now()
  const result = await work()
  return { result, ms: performance.now() - begin }
}
