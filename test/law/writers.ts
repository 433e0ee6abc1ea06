import { applyCollections } from '../../src/intake/apply-collections.ts'
import type { Intake } from '../../src/intake/intake.ts'
import { recall, undoRecall } from '../../src/intake/recall.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import type { CollectionSettings } from '../../src/model/collection.ts'
import { RecallRefused } from '../../src/model/errors.ts'
import type { RecallSubject } from '../../src/model/recall.ts'
import type { ReportWithAssertions } from '../../src/model/report.ts'
import { readRecalls } from '../../src/store/recalls.ts'
import { getSourceId } from '../../src/store/sources.ts'
import type { Query } from './database.ts'
import type { RecallStep } from './program.ts'
import { key, type Served } from './served.ts'

/** One thing that a writer does; it can be repeated from its start, as a process started anew would. */
export interface WriterStep {
  readonly what: string
  run(intake: Intake): Promise<void>
  /**
   * What the first commit of it changes in what may be served.
   * @returns 'not yet' where that commit has changed nothing, so that the next is asked
   */
  committed(query: Query, now: Date): Promise<void> | void | 'not yet'
}

export function sourceName(index: number): string {
  return `source ${index}`
}

export function takeInStep(index: number, one: ReportWithAssertions, served: Served): WriterStep {
  const source = sourceName(index)
  let stored = false
  return {
    what: `takes in ${one.report.externalId} of ${source}`,
    run: async (intake) => {
      stored = false
      const sourceId = await getSourceId(intake.db, source)
      // Where judging has changed meanwhile, a transaction is given up and all is judged anew.
      const passed = async () => {
        stored = true
      }
      await takeIn(intake, { sourceId, reports: [one], rejections: [], passed })
    },
    committed: () => (stored ? served.takeIn(source, one) : 'not yet'),
  }
}

export function sweepStep(served: Served): WriterStep {
  return {
    what: 'sweeps',
    run: async (intake) => {
      await sweep(intake)
    },
    committed: (_query, now) => served.sweep(now),
  }
}

/** Gives a collection other settings and makes its feeds follow. */
export function settingsStep(settings: CollectionSettings, served: Served): WriterStep {
  let applied = false
  return {
    what: `changes ${settings.name} to ${JSON.stringify(settings)}`,
    run: async (intake) => {
      await applyCollections(intake.db, [settings])
      await reconcileCollections(intake)
      served.reconciled()
    },
    committed: () => {
      // Killed before it had followed, it is applied a second time.
      if (!applied) served.apply([settings])
      applied = true
    },
  }
}

export function recallStep(step: RecallStep, served: Served): WriterStep {
  const known = {
    source: step.what === 'source' ? sourceName(step.source) : undefined,
    report: step.what === 'report' ? key(sourceName(step.source), step.id) : undefined,
    values: step.what === 'indicators' ? step.values : undefined,
  }
  let undone: number | undefined
  return {
    what: `recalls ${JSON.stringify(step)}`,
    run: async (intake) => {
      try {
        if (step.what === 'undo') {
          undone = (await readRecalls(intake.db)).find((one) => !one.undoneAt)?.id
          if (undone !== undefined) await undoRecall(intake, undone, 'the test')
        } else {
          await recall(intake, { subject: subjectOf(step), reason: 'a test', by: 'the test' })
        }
      } catch (error) {
        // Not in the store yet.
        if (!(error instanceof RecallRefused)) throw error
      }
    },
    committed: async (query) => {
      if (step.what === 'undo') {
        if (undone !== undefined) served.undo(undone)
        return
      }
      const [row] = await query('select max(id)::integer as id from recalls')
      served.recall((row as { id: number }).id, known)
    },
  }
}

function subjectOf(step: Exclude<RecallStep, { what: 'undo' }>): RecallSubject {
  switch (step.what) {
    case 'source':
      return { source: sourceName(step.source) }
    case 'report':
      return { report: { source: sourceName(step.source), externalId: step.id } }
    case 'indicators':
      return { indicators: step.values.map((value) => ({ type: 'domain', value })) }
  }
}
