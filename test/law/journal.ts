import type { FeedBlock, LabelRange } from '../../src/model/feed.ts'
import type { Micros } from '../../src/model/micros.ts'
import { LawBroken, type Model, type ModelBlock, namesShown, type StreamName } from './model.ts'
import type { Served } from './served.ts'

/** A request as the model saw it begin. */
export interface Asked {
  readonly at: number
  readonly toldUntil: Micros
  readonly permitted: ReadonlySet<string>
}

/** A poll with what it considers: told in one answer or in parts. */
export interface FixedPoll {
  readonly range: LabelRange
  readonly expected: ReadonlyMap<Micros, ModelBlock>
  pageSize: number | undefined
  recordCount: number | undefined
  /** labels of each part that was answered whole */
  readonly parts: Map<number, readonly Micros[]>
  readonly labels: Set<Micros>
}

export interface Answer {
  readonly part: number
  readonly more: boolean
  readonly range: LabelRange
  readonly recordCount: number
  readonly blocks: readonly FeedBlock[]
}

/** What one poller has been answered so far, each answer held to the law as it comes. */
export function createJournal(
  name: string,
  stream: StreamName,
  model: Model,
  served: Served,
  digest: (content: string) => string,
) {
  const received = new Set<Micros>()
  /** where the last whole poll's range ended */
  let through: Micros | undefined
  const counts = { polls: 0, blocks: 0, parts: 0, replays: 0, peeks: 0, moved: 0, clamped: 0 }

  function broken(what: string): never {
    throw new LawBroken(`${name} of ${stream.collection} ${stream.binding}: ${what}`)
  }

  return {
    counts,
    received: received as ReadonlySet<Micros>,
    /** A request starts: what has been withdrawn by now it must not be answered. */
    ask: (): Asked => ({
      at: model.now(),
      toldUntil: model.toldUntil(stream.collection),
      permitted: served.permitted(),
    }),
    /** The database has fixed what the poll considers. */
    fix(
      { toldUntil }: Asked,
      range: LabelRange,
      asked: { begin?: Micros; end?: Micros },
      clock: Micros | undefined,
    ): FixedPoll {
      model.answered(stream.collection, range.end, asked.end, toldUntil, clock)
      if (range.begin !== asked.begin) counts.moved += 1
      if (asked.end !== undefined && range.end < asked.end) counts.clamped += 1
      model.remark(`${name} is answered (${range.begin ?? ''}, ${range.end}]`)
      const found = model.inRange(stream, range.begin, range.end)
      return {
        range,
        expected: new Map(found.map((block) => [block.label, block])),
        pageSize: undefined,
        recordCount: undefined,
        parts: new Map(),
        labels: new Set(),
      }
    },
    /** @param counted how many blocks the answer says there are */
    count(poll: FixedPoll, counted: number) {
      const most = poll.expected.size
      const least = [...poll.expected.values()].filter(
        (one) => one.withdrawnAt === undefined,
      ).length
      if (counted < least || counted > most) {
        broken(`${counted} blocks were counted where there are ${least} to ${most}`)
      }
      poll.recordCount ??= counted
    },
    /** A whole answer: the only one to a poll, or a part, perhaps asked for again. */
    answer(poll: FixedPoll, asked: Asked, answer: Answer, replay: boolean) {
      const { blocks, range, part } = answer
      if (answer.recordCount !== poll.recordCount) {
        broken(`part ${part} counts ${answer.recordCount} records, not ${poll.recordCount}`)
      }
      if (poll.pageSize !== undefined && blocks.length > poll.pageSize) {
        broken(`part ${part} has ${blocks.length} blocks`)
      }
      let last = range.begin ?? -1
      for (const { label, content } of blocks) {
        if (label <= last || label > range.end) broken(`label ${label} is out of its order`)
        last = label
        const block = poll.expected.get(label)
        if (!block) {
          const known = model.blocks.find((one) => one.label === label)
          broken(
            `block ${label} (${known?.subject}) is not of its poll (${range.begin}, ${range.end}]`,
          )
        }
        if (block.md5 !== digest(content)) broken(`block ${label} is not what was published`)
        const gone =
          (block.withdrawnAt !== undefined && block.withdrawnAt <= asked.at) ||
          (block.publishedAt <= asked.at &&
            !namesShown(block).every((name) => asked.permitted.has(name)))
        if (gone) broken(`block ${label} (${block.subject}) was withdrawn before the request`)
        if (!replay && poll.labels.has(label)) broken(`block ${label} is in two parts`)
      }
      if (replay) checkReplay(poll, answer)
      poll.parts.set(part, [...new Set(blocks.map(({ label }) => label))])
      for (const { label } of blocks) poll.labels.add(label)
      counts.parts += 1
      if (replay) counts.replays += 1
      if (!answer.more) counts.blocks += poll.labels.size
    },
    /**
     * The poll has been answered whole.
     * @param repeats the client has asked for what it had before
     */
    finish(poll: FixedPoll, repeats: boolean) {
      counts.polls += 1
      model.remark(`${name} has got ${[...poll.labels].join(' ') || 'nothing'}`)
      for (const [label, { subject, withdrawnAt }] of poll.expected) {
        if (withdrawnAt === undefined && !poll.labels.has(label)) {
          broken(`block ${label} (${subject}) was not in the answer`)
        }
      }
      for (const label of poll.labels) {
        if (received.has(label) && !repeats) broken(`block ${label} came twice`)
        received.add(label)
      }
      const begin = poll.range.begin ?? -1
      const skipped = model
        .inRange(stream, through, begin)
        .filter(({ label }) => !received.has(label))
      if (skipped.length > 0) {
        broken(`went on from ${begin} after ${through}, so that ${skipped[0]?.label} is skipped`)
      }
      through = Math.max(through ?? -1, poll.range.end)
    },
    /** Everything that is live now has come. */
    assertHasAll() {
      for (const { collection, binding, label, subject } of model.live()) {
        if (collection !== stream.collection || binding !== stream.binding) continue
        if (!received.has(label)) broken(`block ${label} (${subject}) never came`)
      }
    },
  }

  /**
   * A part is answered a second time as it was the first time, but for what was withdrawn since. One that
   * has been emptied answers with what follows, which a later part then does not have any more: that one may
   * be emptied by it and answer with what follows in turn.
   */
  function checkReplay(poll: FixedPoll, { part, blocks }: Answer) {
    const before = poll.parts.get(part)
    if (!before) return
    const now = new Set(blocks.map(({ label }) => label))
    const left = before.filter((label) => poll.expected.get(label)?.withdrawnAt === undefined)
    const elsewhere = new Set(
      [...poll.parts].flatMap(([other, labels]) => (other === part ? [] : labels)),
    )
    const own = left.filter((label) => now.has(label) || !elsewhere.has(label))
    const lost = own.filter((label) => !now.has(label))
    if (lost.length > 0) broken(`part ${part} has lost ${lost}`)
    const added = [...now].filter((label) => !before.includes(label))
    if (added.length > 0 && own.length > 0) broken(`part ${part} has got ${added} besides`)
  }
}

export type Journal = ReturnType<typeof createJournal>
