import type { RecallSubject } from '../../src/model/recall.ts'
import { indicatorGuid } from '../../src/stix/ids.ts'
import type { SeenBlock } from './feed-answer.ts'
import { reportMark } from './feed-reports.ts'

/** A recall whose commit was reported and whose undoing has not been asked for. */
export interface StandingRecall {
  readonly id: number
  readonly what: string
  forbids(block: SeenBlock): boolean
}

/** What is recalled for certain at any moment. */
export interface RecallBook {
  readonly standing: readonly StandingRecall[]
  /** when its commit has been reported, and not before */
  add(id: number, subject: RecallSubject): void
  /** before its undoing is asked for */
  remove(id: number): void
  /**
   * Looks at what was answered to a request.
   * @param before the recalls that stood when it was sent: those that still stand forbid their blocks
   * @returns a sentence on the first block that should not have come
   */
  findForbidden(before: readonly StandingRecall[], blocks: readonly SeenBlock[]): string | undefined
}

export function createRecallBook(): RecallBook {
  const book = {
    standing: [] as readonly StandingRecall[],
    add(id: number, subject: RecallSubject) {
      const recall = { id, what: JSON.stringify(subject), forbids: forbiddenBy(subject) }
      book.standing = [...book.standing, recall]
    },
    remove(id: number) {
      book.standing = book.standing.filter((one) => one.id !== id)
    },
    findForbidden(before: readonly StandingRecall[], blocks: readonly SeenBlock[]) {
      for (const recall of before) {
        if (!book.standing.includes(recall)) continue
        const found = blocks.find((one) => recall.forbids(one))
        if (found) {
          return `block ${found.label} (${found.guid}, ${found.marks}) is of recall ${recall.id}: ${recall.what}`
        }
      }
      return undefined
    },
  }
  return book
}

function forbiddenBy(subject: RecallSubject): (block: SeenBlock) => boolean {
  if ('source' in subject) {
    return ({ marks }) => marks.some((mark) => mark.startsWith(`${subject.source}/`))
  }
  if ('report' in subject) {
    const mark = reportMark(subject.report.source, Number(subject.report.externalId.slice(1)))
    return ({ marks }) => marks.includes(mark)
  }
  const guids = new Set(subject.indicators.map(({ type, value }) => indicatorGuid(type, value)))
  return ({ guid }) => guids.has(guid)
}
