import { BearerRefused, Unauthorized } from '../http/who-is-asking.ts'
import { CollectionNotFound, StoreUnavailable, TooManyGuesses } from '../model/errors.ts'
import { XmlError, XmlLimitExceeded } from '../xml/read.ts'
import type { StatusDetail, StatusMessage, StatusType } from './messages.ts'
import { notFound, TaxiiRefusal, unsupportedMessage } from './refusal.ts'

export interface StatusReply {
  readonly status: StatusMessage
  readonly httpStatus: number
  /** whether only the log may say what happened */
  readonly unexpected: boolean
}

/**
 * The one place where an error becomes a Status_Message. A TAXII status goes out at HTTP 200;
 * another HTTP status is used where clients, proxies or load balancers act on it.
 */
export function errorToStatus(error: unknown, inResponseTo: string): StatusReply {
  function reply(
    statusType: StatusType,
    message: string,
    httpStatus = 200,
    details: readonly StatusDetail[] = [],
  ): StatusReply {
    return {
      status: { type: 'Status_Message', statusType, inResponseTo, details, message },
      httpStatus,
      unexpected: false,
    }
  }

  if (error instanceof TaxiiRefusal) {
    return reply(error.statusType, error.message, error.httpStatus, error.details)
  }
  if (error instanceof CollectionNotFound) {
    return errorToStatus(notFound('collection', error.collection), inResponseTo)
  }
  if (error instanceof TooManyGuesses) return reply('FAILURE', error.message, 429)
  // At HTTP 200 cabby fetches a new token and asks again; at 401 it gives up.
  if (error instanceof BearerRefused) return reply('UNAUTHORIZED', error.message)
  if (error instanceof Unauthorized) return reply('UNAUTHORIZED', error.message, 401)
  if (error instanceof XmlLimitExceeded) {
    return reply('BAD_MESSAGE', `the message has more in one piece than is read: ${error.message}`)
  }
  if (error instanceof XmlError) {
    return reply('BAD_MESSAGE', `the message is not well-formed XML: ${error.message}`)
  }
  if (error instanceof StoreUnavailable) {
    return {
      ...reply('FAILURE', 'the store is not available for the moment; try again later', 503),
      unexpected: true,
    }
  }
  switch (httpStatusOf(error)) {
    case 400:
      return reply('BAD_MESSAGE', 'the request could not be read', 400)
    case 401:
      return reply('UNAUTHORIZED', 'a valid name and password are needed', 401)
    case 408:
      return reply('FAILURE', 'the request took too long to arrive', 408)
    case 413:
      return reply('BAD_MESSAGE', 'the message is larger than this server takes', 413)
    case 415:
      return errorToStatus(
        unsupportedMessage('the Content-Type must be application/xml', 415),
        inResponseTo,
      )
    case 429:
      return reply('FAILURE', 'too many requests; try again later', 429)
    default:
      return { ...reply('FAILURE', 'internal error', 500), unexpected: true }
  }
}

/** @returns what an HTTP layer's error asks for; those of the store and the like ask for nothing */
function httpStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}
