import type pg from 'pg'
import type { RecallSubject } from '../../src/model/recall.ts'
import type { Writer } from './feed-fleet.ts'
import type { Poller } from './feed-poller.ts'
import type { Progress } from './feed-progress.ts'
import type { Random } from './feed-random.ts'
import type { RecallBook } from './feed-recalls.ts'
import { externalIdOf, publishers, type ReportPlan, reportsEach } from './feed-reports.ts'

/** What all who act share. `goesOn` turns false when the feed is to come to rest. */
export interface Stage {
  readonly progress: Progress
  readonly random: Random
  readonly database: pg.Client
  readonly recalls: RecallBook
  /** as `source report`: which reports are in the store for certain */
  readonly taken: Set<string>
  goesOn(): boolean
}

/** Waits until the pollers have got on by so many polls, or are held up by something frozen. */
export async function afterPolls(progress: Progress, polls: number, atMostMs = 1_000) {
  const reached = progress.counts.polls + polls
  await progress.until(() => progress.counts.polls >= reached, atMostMs)
}

/** Takes in one report after the other of its own source: new ones, revisions, batches of several. */
export async function publish(writer: Writer, source: string, stage: Stage): Promise<void> {
  const { progress, random } = stage
  let version = 0
  let again: readonly ReportPlan[] | undefined
  while (stage.goesOn() && progress.faults.length === 0) {
    version += 1
    const plans = again ?? choosePlans(random, source, version)
    const done = await writer.ask({ take: plans })
    if (done) {
      progress.add('takes')
      progress.add('published', done.published)
      progress.add('withdrawn', done.withdrawn)
      for (const { report } of plans) stage.taken.add(`${source} ${report}`)
    } else {
      progress.add('interrupted takes')
    }
    // Who was killed begins with the same again, or forgets it until a later revision.
    again = !done && random.chance(0.6) ? plans : undefined
    await afterPolls(progress, 5, 300)
  }
}

function choosePlans(random: Random, source: string, version: number): readonly ReportPlan[] {
  const first = random.below(reportsEach)
  const count = random.chance(0.25) ? 3 : 1
  return Array.from({ length: count }, (_, index) => ({
    source,
    report: (first + index) % reportsEach,
    version,
    size: count === 1 ? chooseSize(random, source, version) : 1 + random.below(40),
    seed: random.below(2 ** 31),
  }))
}

/** Mostly few; now and then more than a transaction takes. */
function chooseSize(random: Random, source: string, version: number): number {
  if (source === publishers[0] && version % 60 === 8) return 2_600 + random.below(400)
  const kind = random.next()
  if (kind < 0.65) return 1 + random.below(20)
  return kind < 0.95 ? 20 + random.below(60) : 100 + random.below(300)
}

export async function sweepNowAndThen(writer: Writer, stage: Stage): Promise<void> {
  const { progress } = stage
  while (stage.goesOn() && progress.faults.length === 0) {
    const done = await writer.ask({ sweep: true })
    if (done) {
      progress.add('sweeps')
      progress.add('published', done.published)
      progress.add('withdrawn', done.withdrawn)
    }
    await afterPolls(progress, 40)
  }
}

/** Recalls sources, reports and indicators, and undoes it later. */
export async function recallAndUndo(writer: Writer, stage: Stage): Promise<void> {
  const { progress, random, recalls } = stage
  while (stage.goesOn() && progress.faults.length === 0) {
    const inForce = await readRecallsInForce(stage.database)
    if (inForce.length >= 3 || (inForce.length > 0 && random.chance(0.3))) {
      const id = random.pick(inForce)
      recalls.remove(id)
      if (await writer.ask({ undo: id })) progress.add('undone recalls')
    } else if (stage.taken.size > 0) {
      const subject = await chooseSubject(stage)
      const done = await writer.ask({ recall: subject })
      if (done?.recallId === undefined) progress.add('recalls in doubt')
      else {
        recalls.add(done.recallId, subject)
        progress.add('recalls')
      }
    }
    await afterPolls(progress, 25)
  }
}

/** Those too of which nobody was told that they were committed. */
async function readRecallsInForce(database: pg.Client): Promise<readonly number[]> {
  const { rows } = await database.query(
    'select id from recalls where undone_at is null order by id',
  )
  return rows.map(({ id }) => Number(id))
}

async function chooseSubject({ random, taken, database }: Stage): Promise<RecallSubject> {
  const kind = random.next()
  const [source = '', report = ''] = random.pick([...taken]).split(' ')
  if (kind < 0.1) return { source }
  if (kind < 0.5) return { report: { source, externalId: externalIdOf(Number(report)) } }
  const { rows } = await database.query(
    'select type, value from indicators order by md5(id::text || $1) limit $2',
    [random.below(2 ** 31), 1 + random.below(60)],
  )
  return { indicators: rows }
}

/** Polls until the feed has come to rest and all of it has been answered. */
export async function pollOn(
  poller: Poller,
  stage: Stage,
  lastLabel: () => number | undefined,
): Promise<void> {
  const { progress } = stage
  while (progress.faults.length === 0) {
    const last = lastLabel()
    await poller.poll(last !== undefined)
    const end = poller.windows.at(-1)?.end ?? 0
    if (last !== undefined && end >= last) return
    await afterPolls(progress, stage.random.below(8), 100)
  }
}
