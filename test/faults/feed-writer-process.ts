/**
 * Does to the store what it is told, a command a line, and answers each with a line; the test that starts it
 * kills and freezes it wherever it happens to be.
 *
 *     node feed-writer-process.ts DATABASE_URL
 */
import { createInterface } from 'node:readline'
import { createReadJudging } from '../../src/intake/judging.ts'
import { recall, undoRecall } from '../../src/intake/recall.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import { StoreUnavailable } from '../../src/model/errors.ts'
import type { RecallSubject } from '../../src/model/recall.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import { openStore } from '../../src/store/db.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { makeReport, type ReportPlan } from './feed-reports.ts'

export type WriterCommand =
  | { readonly take: readonly ReportPlan[] }
  | { readonly sweep: true }
  | { readonly recall: RecallSubject }
  | { readonly undo: number }

export interface Done {
  readonly published?: number
  readonly withdrawn?: number
  readonly recallId?: number
}

export type WriterAnswer =
  | { readonly done: Done }
  /** the database broke the connection: it may be done or not */
  | { readonly unavailable: string }
  | { readonly failed: string }

const store = await openStore({
  databaseUrl: process.argv[2],
  dataDir: '',
  maxConnections: 2,
})
const intake = {
  db: store.db,
  producer: { name: 'Taxiway', idNamespace: defaultIdNamespace },
  readJudging: createReadJudging(),
  clock: () => new Date(),
}

async function work(command: WriterCommand): Promise<Done> {
  if ('take' in command) return take(command.take)
  if ('sweep' in command) return sweep(intake)
  if ('recall' in command) {
    const { id } = await recall(intake, { subject: command.recall, reason: 'a test', by: 'a test' })
    return { recallId: id }
  }
  await undoRecall(intake, command.undo, 'a test')
  return {}
}

async function take(plans: readonly ReportPlan[]): Promise<Done> {
  const total = { published: 0, withdrawn: 0 }
  const reports = plans.map((plan) => makeReport(plan, Date.now()))
  const sourceId = await getSourceId(store.db, plans[0]?.source ?? '')
  await takeIn(intake, { sourceId, reports, rejections: [] }, (done) => {
    total.published += done.published
    total.withdrawn += done.withdrawn
  })
  return total
}

for await (const line of createInterface(process.stdin)) {
  const answer: WriterAnswer = await work(JSON.parse(line)).then(
    (done) => ({ done }),
    (error: Error) =>
      error instanceof StoreUnavailable
        ? { unavailable: error.message }
        : { failed: String(error.stack) },
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
await store.close()
