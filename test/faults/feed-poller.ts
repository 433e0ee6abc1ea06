import { formatMicros, type Micros } from '../../src/model/micros.ts'
import { pollRequest } from '../helpers/poll.ts'
import type { PollAnswer } from './feed-answer.ts'
import { type ClientPlan, createClient, type Surroundings } from './feed-client.ts'
import { fulfillmentRequest } from './feed-exchange.ts'

export interface PollerPlan extends ClientPlan {
  /**
   * Asks for an end by its own clock, this far ahead of ours, and goes on from that end; undefined: asks
   * for none, and goes on from the answered one.
   */
  readonly skewMs?: number
  /** its clock tells whole seconds */
  readonly wholeSeconds?: boolean
  /** goes on from the end that it asked for without that one's fraction of a second */
  readonly dropsFraction?: boolean
  /** asks for no end and goes on from when it asked, by its clock */
  readonly asksNoEnd?: boolean
}

export interface FetchedPart {
  readonly part: number
  readonly begin: Micros | undefined
  readonly end: Micros
  readonly labels: readonly Micros[]
  readonly digest: string
}

/** What a poller asked for at once and got in the end, whatever broke off before. */
export interface Window {
  readonly askedBegin: Micros | undefined
  readonly askedEnd: Micros | undefined
  readonly begin: Micros | undefined
  /** the answered one, of the last part where there are parts */
  readonly end: Micros
  readonly message: string | undefined
  readonly recordCount: number
  readonly resultId: string | undefined
  /** one for an answer that has no parts */
  readonly parts: readonly FetchedPart[]
  readonly replays: { readonly of: FetchedPart; readonly again: FetchedPart }[]
  /** the first answer came only when it was asked again */
  readonly retried: boolean
  /** received before an answer to the same window broke off */
  readonly brokenLabels: readonly Micros[]
}

export interface Poller {
  readonly plan: PollerPlan
  readonly windows: readonly Window[]
  /**
   * Polls until one window has been answered whole.
   * @param corrected by a clock that is not behind any more
   */
  poll(corrected?: boolean): Promise<void>
  close(): void
}

const secondMicros = 1_000_000

export function createPoller(plan: PollerPlan, around: Surroundings): Poller {
  const { progress, random } = around
  const { collection, binding, skewMs } = plan
  const client = createClient(plan, around)
  const windows: Window[] = []
  let goesOnFrom: Micros | undefined

  function readClock(corrected: boolean): Micros {
    const ahead = corrected ? Math.max(skewMs ?? 0, 2_000) : (skewMs ?? 0)
    const micros = (Date.now() + ahead) * 1_000 + random.below(1_000)
    return plan.wholeSeconds ? withoutFraction(micros) : micros
  }

  function request(askedEnd: Micros | undefined, responseType: 'FULL' | 'COUNT_ONLY'): string {
    return pollRequest(collection, {
      ...(goesOnFrom === undefined ? {} : { begin: formatMicros(goesOnFrom) }),
      ...(askedEnd === undefined ? {} : { end: formatMicros(askedEnd) }),
      binding,
      responseType,
    })
  }

  /** Asks for the same again until it is answered. */
  async function insist(body: string, broken: Micros[]): Promise<PollAnswer> {
    for (;;) {
      const answer = await client.attempt(body)
      if (answer.kind === 'poll') return answer
      if (answer.kind === 'broken') for (const { label } of answer.blocks) broken.push(label)
    }
  }

  async function poll(corrected = false): Promise<void> {
    const now = skewMs === undefined ? undefined : readClock(corrected)
    const next = now && (plan.dropsFraction ? withoutFraction(now) : now)
    if (next !== undefined && next <= (goesOnFrom ?? 0)) {
      // By its clock there is nothing to ask for yet.
      await progress.until(() => readClock(corrected) >= next + secondMicros, 50)
      return
    }
    let askedEnd = plan.asksNoEnd ? undefined : now
    if (random.chance(0.08)) {
      await insist(request(askedEnd, 'COUNT_ONLY'), [])
      progress.add('counts only')
    }
    const brokenLabels: Micros[] = []
    let retried = false
    let answer = await client.attempt(request(askedEnd, 'FULL'))
    while (answer.kind !== 'poll') {
      retried = true
      if (answer.kind === 'broken') for (const { label } of answer.blocks) brokenLabels.push(label)
      // Some ask again for all up to now rather than for the same.
      if (askedEnd !== undefined && random.chance(0.3)) {
        askedEnd = Math.max(askedEnd, readClock(corrected))
      }
      answer = await client.attempt(request(askedEnd, 'FULL'))
    }
    const first = answer
    const parts = await fetchParts(first, brokenLabels)
    const window = {
      askedBegin: goesOnFrom,
      askedEnd,
      begin: first.begin,
      end: (parts.at(-1) as FetchedPart).end,
      message: first.message,
      recordCount: first.recordCount,
      resultId: first.resultId,
      parts,
      replays: [],
      retried,
      brokenLabels,
    }
    windows.push(window)
    progress.add('windows')
    goesOnFrom = askedEnd ?? now ?? window.end
    if (plan.dropsFraction) goesOnFrom = withoutFraction(goesOnFrom)
    await replay()
  }

  async function fetchParts(first: PollAnswer, broken: Micros[]): Promise<FetchedPart[]> {
    const parts = [toPart(first)]
    for (let last = first; last.more; ) {
      const number = parts.length + 1
      last = await insist(fulfillmentRequest(collection, last.resultId ?? '', number), broken)
      if (last.part !== number) client.fail(`part ${last.part} was answered for ${number}`)
      parts.push(toPart(last))
      progress.add('parts')
    }
    return parts
  }

  async function replay(): Promise<void> {
    const paged = windows.slice(-4).filter(({ parts }) => parts.length > 1)
    if (paged.length === 0 || !random.chance(0.3)) return
    const { resultId = '', parts, replays } = random.pick(paged)
    const of = random.pick(parts)
    const again = toPart(await insist(fulfillmentRequest(collection, resultId, of.part), []))
    replays.push({ of, again })
    progress.add('replays')
    const same = again.begin === of.begin && again.end === of.end
    if (same && again.labels.join() === of.labels.join() && again.digest !== of.digest) {
      client.fail(`part ${of.part} of ${resultId} differs when it is asked for again`)
    }
  }

  return { plan, windows, poll, close: client.close }
}

function withoutFraction(moment: Micros): Micros {
  return Math.floor(moment / secondMicros) * secondMicros
}

function toPart({ part = 1, begin, end, blocks, digest }: PollAnswer): FetchedPart {
  return { part, begin, end, labels: blocks.map(({ label }) => label), digest }
}
