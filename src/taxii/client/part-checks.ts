import { hash } from 'node:crypto'
import type { ReceivedBlock } from './block.ts'
import { PollFault } from './fault.ts'
import type { BlockReading } from './reading.ts'
import type { PollAnswer } from './response.ts'
import { cutText } from './server-text.ts'

/** What one part brought, to know it again. */
export interface PartDigest {
  add(block: ReceivedBlock, packageId: string | undefined, reading: BlockReading): void
  /** undefined where nothing was added */
  readonly value: () => string | undefined
}

export function createPartDigest(): PartDigest {
  let digest: string | undefined
  return {
    add({ label, binding }, packageId, { observables }) {
      // Blocks of one moment share their label, so what they hold counts too.
      const held = observables.map(({ type, value }) => [type, value])
      digest = hash('sha1', JSON.stringify([digest, label, binding, packageId, held]))
    },
    value: () => digest,
  }
}

/** Characters of a result_id, which goes back to the server with each request for a part. */
export const maxResultIdLength = 1_024

/** Looks at one part after the other, and ends what would go on for ever. */
export interface PartWatch {
  /**
   * @param asked the number that was asked for, from 1
   * @throws PollFault endless, too-large
   */
  check(answer: PollAnswer, asked: number, digest: string | undefined): void
}

export function watchParts(where: string): PartWatch {
  let wrongBefore = false
  let before: string | undefined
  const endless = (message: string) =>
    new PollFault('endless', `${message} (${where})`, {
      advice: ['the server goes round in its pages: look at how it counts result_part_number'],
    })
  return {
    check({ part, resultId, more }, asked, digest) {
      if (more === 'true' && resultId !== undefined && resultId.length > maxResultIdLength) {
        throw new PollFault(
          'too-large',
          `the result_id is longer than ${maxResultIdLength} characters (${where})`,
          { advice: ['it goes back with each request for a part: the server has to shorten it'] },
        )
      }
      if (part !== undefined && !isPartNumber(part) && (asked > 1 || more === 'true')) {
        throw endless(`the answer’s result_part_number is no number of a part: ${cutText(part)}`)
      }
      // Some servers leave the number out, which clients bear.
      const wrong = part !== undefined && Number(part) !== asked
      if (wrong && wrongBefore) {
        throw endless(
          `twice in a row another part came than was asked for, now ${part} for ${asked}`,
        )
      }
      if (digest !== undefined && digest === before) {
        throw endless(`part ${asked} brings the same blocks as the part before it`)
      }
      wrongBefore = wrong
      before = digest
    },
  }
}

function isPartNumber(text: string): boolean {
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))
}
