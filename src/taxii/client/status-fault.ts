import { PollFault } from './fault.ts'
import type { StatusAnswer } from './response.ts'

/** `NOT_FOUND (ITEM=x): there is no collection "x"` */
export function statusText({ statusType, message, details }: StatusAnswer): string {
  const named = details.length > 0 ? ` (${details.join(', ')})` : ''
  return `${statusType}${named}${message ? `: ${message}` : ''}`
}

/** The same request may be answered otherwise a moment later. */
const passing = new Set(['FAILURE', 'RETRY', 'NETWORK_ERROR'])

// A map, as the server may call its status `constructor`.
const advices: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    NOT_FOUND: [
      'check how the collection is spelled, capitals too, and that this account may read it',
      'on Taxiway: taxiway collection list, taxiway account grant NAME COLLECTION',
    ],
    UNAUTHORIZED: ['check the user name and the password'],
    DENIED: ['this account may not do that: ask whoever runs the server'],
    UNSUPPORTED_CONTENT: [
      'leave --binding out, which asks for any, or ask for one that the server names',
    ],
    UNSUPPORTED_MESSAGE: [
      'the service at this path takes no polls: ask for the poll service’s path',
    ],
    POLLING_UNSUPPORTED: ['this collection cannot be polled'],
    PENDING: ['the server wants to answer later, which no device that polls here waits for'],
    SUCCESS: ['a poll is answered by a Poll_Response; cabby breaks off at this'],
    ASYNCHRONOUS_POLL_ERROR: [
      'the server has dropped the result set: poll again, and see how long it keeps them',
    ],
    INVALID_RESPONSE_PART: ['the server has fewer parts than its own answer said'],
    BAD_MESSAGE: ['the server could not read what the device sends: look into its log'],
  }),
)

/** A Status_Message where a Poll_Response or the like was asked for. */
export function statusMessageFault(status: StatusAnswer): PollFault {
  return new PollFault('status-message', statusText(status), {
    retryable: passing.has(status.statusType),
    advice: advices.get(status.statusType) ?? ['look into the log of the server at this moment'],
  })
}
