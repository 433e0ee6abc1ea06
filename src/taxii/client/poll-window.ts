import type { Micros } from '../../model/micros.ts'
import type { Asker } from './ask.ts'
import type { ReceivedBlock } from './block.ts'
import type { Device } from './device.ts'
import { PollFault } from './fault.ts'
import type { Fingerprints } from './fingerprints.ts'
import { createPartDigest, watchParts } from './part-checks.ts'
import {
  checkAnswer,
  checkLabel,
  checkRange,
  type LabelCounts,
  windowText,
} from './range-checks.ts'
import { type Outgoing, pollFulfillment, pollRequest } from './requests.ts'
import type { PollAnswer } from './response.ts'
import type { BlockReport } from './session.ts'
import {
  addReading,
  createTally,
  findPackageId,
  mergeTally,
  sumCounts,
  type Tally,
} from './tally.ts'
import type { Warn } from './warnings.ts'
import type { Window } from './windows.ts'

export interface WindowQuestion {
  readonly address: URL
  readonly collection: string
  readonly window: Window
  readonly kind: 'full' | 'delta'
  /** from 1, of its kind */
  readonly number: number
  readonly bindings: readonly string[]
  readonly subscriptionId: string | undefined
  readonly maxParts: number
}

export interface WindowReport extends Pick<WindowQuestion, 'kind' | 'number' | 'window'> {
  readonly blocks: number
  readonly parts: number
  readonly ms: number
  /** observables that the device takes in and leaves */
  readonly ingested: number
  readonly dropped: number
  /** blocks that it chokes on */
  readonly choked: number
}

export interface WindowParts {
  readonly asker: Asker
  readonly device: Device
  readonly warn: Warn
  /** of everything polled; a window that fails adds the parts that it got */
  readonly tally: Tally
  readonly seen: { readonly values: Fingerprints; readonly blocks: Fingerprints }
  readonly onBlock: (report: BlockReport) => void
}

/** Polls one window with all of its parts. @throws PollFault, or the signal's reason */
export async function pollWindow(
  question: WindowQuestion,
  parts: WindowParts,
): Promise<{ readonly report: WindowReport; readonly answeredEnd: Micros | undefined }> {
  const { window, kind, number } = question
  const began = performance.now()
  const tally = createTally()
  const labels: LabelCounts = { present: 0, missing: 0 }
  let polled: Awaited<ReturnType<typeof pollParts>>
  try {
    polled = await pollParts(question, parts, tally, labels)
  } finally {
    mergeTally(parts.tally, tally)
  }
  const { first, last, received } = polled
  checkRange(window, first, last, labels, parts.warn)
  checkCount(first, tally.blocks, windowText(window), parts.warn)
  const ingested = [...tally.types.values()].reduce((sum, one) => sum + one.ingested, 0)
  const dropped = sumCounts(tally.dropped.values())
  const choked = sumCounts(tally.choked.values())
  const ms = Math.round(performance.now() - began)
  return {
    answeredEnd: last.end?.moment,
    report: {
      kind,
      number,
      window,
      blocks: tally.blocks,
      parts: received,
      ms,
      ingested,
      dropped,
      choked,
    },
  }
}

async function pollParts(
  { address, collection, window, maxParts, ...rest }: WindowQuestion,
  parts: WindowParts,
  tally: Tally,
  labels: LabelCounts,
): Promise<{ first: PollAnswer; last: PollAnswer; received: number }> {
  const { device, warn } = parts
  const where = windowText(window)
  // cabby asks for parts until one is empty, whatever `more` says; the appliance is taken to be built on it.
  const readsUntilEmpty = !device.discovers

  const ask = (message: Outgoing, pastTheEnd = false) =>
    askForPart(address, message, window, { tally, labels }, parts, pastTheEnd)

  const watch = watchParts(where)

  const { answer: first, digest } = await ask(pollRequest({ ...rest, ...window, collection }))
  checkAnswer(first, { collection, part: 1 }, where, warn)
  watch.check(first, 1, digest)
  let last = first
  let received = 1
  const { resultId } = first
  if (first.more === 'true' && resultId !== undefined) {
    for (let part = 2; ; part += 1) {
      const pastTheEnd = last.more !== 'true'
      if (pastTheEnd && !readsUntilEmpty) break
      if (part > maxParts) {
        throw new PollFault('endless', `one poll has more than ${maxParts} parts (${where})`, {
          advice: ['the server goes on without end, or its pages are far too small'],
        })
      }
      const asked = await ask(pollFulfillment(collection, resultId, part), pastTheEnd).catch(
        (error: unknown) => {
          if (!pastTheEnd || !(error instanceof PollFault)) throw error
          warn({
            rule: 'past-last-part',
            text: `${device.name === 'cabby' ? 'cabby asks' : 'cabby, and so perhaps this device, asks'} for one part behind the last, and ends with an error here, though it has everything; answers without pages avoid it`,
            where: `${error.message}; ${where}`,
          })
          return undefined
        },
      )
      if (!asked || (pastTheEnd && asked.answer.blocks === 0)) break
      const { answer } = asked
      checkAnswer(answer, { collection, part, resultId }, where, warn)
      watch.check(answer, part, asked.digest)
      received += 1
      last = answer
      if (readsUntilEmpty && answer.blocks === 0) {
        warn({
          rule: 'empty-part',
          text: 'a part without a block says that there are more: cabby ends there and loses them',
          where: `part ${part}; ${where}`,
        })
        break
      }
    }
  }
  return { first, last, received }
}

async function askForPart(
  address: URL,
  message: Outgoing,
  window: Window,
  into: { readonly tally: Tally; readonly labels: LabelCounts },
  { asker, device, warn, seen, onBlock }: WindowParts,
  pastTheEnd: boolean,
): Promise<{ readonly answer: PollAnswer; readonly digest: string | undefined }> {
  // What an attempt brought that broke off is void.
  let tally = createTally()
  let digest = createPartDigest()
  let unlabelled = 0
  const readBlock = (block: ReceivedBlock, exchange: number): void => {
    const packageId = findPackageId(block)
    const reading = device.read(block)
    addReading(
      tally,
      block,
      reading,
      (type, value) => seen.values.claim(`${type}\n${value}`, exchange) === undefined,
    )
    digest.add(block, packageId, reading)
    if (block.label === undefined) unlabelled += 1
    else checkLabel(block.label, window, warn)
    const isRepeated =
      packageId !== undefined &&
      block.label !== undefined &&
      seen.blocks.claim(`${block.label}\n${packageId}`, exchange) !== undefined
    if (isRepeated) {
      warn({
        rule: 'repeated-block',
        text: 'a block came twice, with the same label and package',
        where: `${packageId}, label ${block.label}`,
      })
    }
    onBlock({ exchange, block, packageId, reading })
  }
  const answer = await asker.ask(address, message, 'Poll_Response', {
    onBlock: readBlock,
    onVoid(exchange) {
      tally = createTally()
      digest = createPartDigest()
      unlabelled = 0
      seen.values.disown(exchange)
      seen.blocks.disown(exchange)
    },
    ...(pastTheEnd && { attempts: 1 }),
  })
  mergeTally(into.tally, tally)
  into.labels.missing += unlabelled
  into.labels.present += tally.blocks - unlabelled
  return { answer, digest: digest.value() }
}

function checkCount({ recordCount }: PollAnswer, blocks: number, where: string, warn: Warn): void {
  if (recordCount === undefined) return
  const count = Number(recordCount)
  if (count === blocks) return
  warn({
    rule: 'record-count',
    text:
      count > blocks
        ? 'fewer blocks came than Record_Count says'
        : 'more blocks came than Record_Count says',
    where: `${blocks} and ${recordCount}; ${where}`,
  })
}
