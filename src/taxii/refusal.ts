import { TaxiwayError } from '../model/errors.ts'
import { messageBindings, type StatusDetail, type StatusType } from './messages.ts'

/** A request that TAXII has a typed answer for; status.ts spells it. */
export class TaxiiRefusal extends TaxiwayError {
  readonly statusType: StatusType
  readonly details: readonly StatusDetail[]
  readonly httpStatus: number

  constructor(
    statusType: StatusType,
    message: string,
    details: readonly StatusDetail[] = [],
    httpStatus = 200,
  ) {
    super(`TAXII_${statusType}`, message)
    this.statusType = statusType
    this.details = details
    this.httpStatus = httpStatus
  }
}

export function badMessage(reason: string): TaxiiRefusal {
  return new TaxiiRefusal('BAD_MESSAGE', reason)
}

export function failure(reason: string): TaxiiRefusal {
  return new TaxiiRefusal('FAILURE', reason)
}

export function notFound(kind: 'collection' | 'subscription', item: string): TaxiiRefusal {
  return new TaxiiRefusal('NOT_FOUND', `there is no ${kind} "${item}"`, [
    { name: 'ITEM', value: item },
  ])
}

/** The subscription was its account's own; nobody else is told that it was one. */
export function subscriptionEnded(subscriptionId: string): TaxiiRefusal {
  return new TaxiiRefusal(
    'NOT_FOUND',
    `the subscription "${subscriptionId}" was ended: subscribe again, and use the new subscription's id`,
    [{ name: 'ITEM', value: subscriptionId }],
  )
}

/** Who asks is known, and may not. */
export function denied(reason: string): TaxiiRefusal {
  return new TaxiiRefusal('DENIED', reason)
}

/** Whoever may not even know of the collection is told that there is none. */
export function mayNotSend(reason: string): TaxiiRefusal {
  return new TaxiiRefusal('UNAUTHORIZED', reason)
}

/** @param acceptable the collections that the account may send to */
export function destinationError(reason: string, acceptable: readonly string[]): TaxiiRefusal {
  return new TaxiiRefusal(
    'DESTINATION_COLLECTION_ERROR',
    reason,
    acceptable.map((value) => ({ name: 'ACCEPTABLE_DESTINATION', value })),
  )
}

/** Of what is sent. @param what the binding, or a subtype of one, that is not read */
export function unreadContent(what: string, read: readonly string[]): TaxiiRefusal {
  return new TaxiiRefusal(
    'UNSUPPORTED_CONTENT',
    `${what} is not read here; what is: ${read.join(', ')}`,
    read.map((value) => ({ name: 'SUPPORTED_CONTENT', value })),
  )
}

export function unsupportedContent(supported: readonly string[]): TaxiiRefusal {
  return new TaxiiRefusal(
    'UNSUPPORTED_CONTENT',
    // Named here too, because cabby prints the details as Python objects.
    `the collection has none of the requested content bindings; it has ${supported.join(', ')}`,
    supported.map((value) => ({ name: 'SUPPORTED_CONTENT', value })),
  )
}

export function unsupportedQuery(formatId: string): TaxiiRefusal {
  return new TaxiiRefusal(
    'UNSUPPORTED_QUERY',
    `queries are not supported; this one has the format ${formatId}`,
  )
}

/** No SUPPORTED_PROTOCOL is named, because nothing is pushed by any. */
export function unsupportedProtocol(): TaxiiRefusal {
  return new TaxiiRefusal(
    'UNSUPPORTED_PROTOCOL',
    'this server pushes no content; ask again without the address to push to, and poll',
  )
}

export function unsupportedMessage(reason: string, httpStatus: number): TaxiiRefusal {
  return new TaxiiRefusal(
    'UNSUPPORTED_MESSAGE',
    reason,
    messageBindings.map((value) => ({ name: 'SUPPORTED_BINDING', value })),
    httpStatus,
  )
}

export function tooMuchUnderWay(
  who: 'this account has' | 'all accounts together have',
): TaxiiRefusal {
  return new TaxiiRefusal(
    'RETRY',
    `${who} other large messages under way; send this one again when they are answered`,
    [{ name: 'ESTIMATED_WAIT', value: '60' }],
  )
}

export function resultSetGone(resultId: string): TaxiiRefusal {
  return new TaxiiRefusal(
    'ASYNCHRONOUS_POLL_ERROR',
    `there is no result set "${resultId}" of this collection; poll again`,
  )
}

export function invalidPart(part: number, maxPart: number): TaxiiRefusal {
  return new TaxiiRefusal(
    'INVALID_RESPONSE_PART',
    `there is no part ${part}; the result set ends with part ${maxPart}`,
    [{ name: 'MAX_PART_NUMBER', value: String(maxPart) }],
  )
}

export function methodNotAllowed(): TaxiiRefusal {
  return new TaxiiRefusal('BAD_MESSAGE', 'TAXII messages are sent by POST', [], 405)
}
