import type { Delivered, InboxWork } from '../intake/inbox.ts'
import type { StatusMessage, StatusType } from './messages.ts'
import { errorToStatus } from './status.ts'

/** What an Inbox_Message met; `broken off`: its client went before it was whole. */
export type InboxAnswer = StatusType | 'broken off'

/** Counts what comes by Inbox_Messages. */
export interface InboxFigures {
  /** @param seconds from the start tag of the message's root to its answer */
  answered(answer: InboxAnswer, seconds: number): void
  /** A message was taken in. */
  delivered(delivered: Delivered): void
  /** A transaction was committed, which took several messages in or one. */
  stored(work: InboxWork): void
}

/**
 * Takes a message in and counts how that ended.
 * @param isBrokenOff whether this error says that nobody is left to be answered
 * @throws what `take` throws
 */
export async function countAnswer(
  figures: InboxFigures | undefined,
  take: () => Promise<StatusMessage>,
  isBrokenOff: (error: unknown) => boolean,
): Promise<StatusMessage> {
  const beganMs = performance.now()
  const answered = (answer: InboxAnswer) =>
    figures?.answered(answer, (performance.now() - beganMs) / 1_000)
  try {
    const status = await take()
    answered(status.statusType)
    return status
  } catch (error) {
    answered(isBrokenOff(error) ? 'broken off' : errorToStatus(error, '0').status.statusType)
    throw error
  }
}
