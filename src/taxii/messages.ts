import type { CollectionType } from '../model/collection.ts'
import type { FeedBlock, LabelRange } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import type { ResponseType, SubscriptionStatus } from '../model/subscription.ts'
import { messageBinding10 } from './taxii10/identifiers.ts'

/** Identifiers of TAXII 1.1. The protocol bindings are numbered 1.0 in TAXII 1.1 too. */
export const taxiiNamespace = 'http://taxii.mitre.org/messages/taxii_xml_binding-1.1'
export const messageBinding = 'urn:taxii.mitre.org:message:xml:1.1'
/** all that are understood, the best first */
export const messageBindings = [messageBinding, messageBinding10] as const
export const servicesVersion = 'urn:taxii.mitre.org:services:1.1'
export const protocolBindings = {
  http: 'urn:taxii.mitre.org:protocol:http:1.0',
  https: 'urn:taxii.mitre.org:protocol:https:1.0',
} as const
export type Scheme = keyof typeof protocolBindings

export interface DiscoveryRequest {
  readonly type: 'Discovery_Request'
  readonly messageId: string
}

export interface CollectionInformationRequest {
  readonly type: 'Collection_Information_Request'
  readonly messageId: string
}

/** A content binding as a client names it. */
export interface RequestedBinding {
  readonly bindingId: string
  readonly subtypeIds: readonly string[]
}

/** Where results of an asynchronous poll or a subscription are to be sent. */
export interface PushParameters {
  readonly protocolBinding: string
  readonly address: string
  readonly messageBinding: string
}

export interface PollParameters {
  readonly allowAsynch: boolean
  readonly responseType: ResponseType
  /** none: any */
  readonly contentBindings: readonly RequestedBinding[]
  /** the format of a Query, where there is one */
  readonly queryFormatId: string | undefined
  readonly deliveryParameters: PushParameters | undefined
}

export interface PollRequest {
  readonly type: 'Poll_Request'
  /** TAXII 1.0 has neither parts nor data sets: one answer holds all, by the rules of data feeds */
  readonly version: '1.0' | '1.1'
  readonly messageId: string
  readonly collectionName: string
  readonly exclusiveBeginTimestamp: Micros | undefined
  readonly inclusiveEndTimestamp: Micros | undefined
  /** a subscription's id, whose parameters then hold, or the parameters themselves */
  readonly by: { readonly subscriptionId: string } | { readonly pollParameters: PollParameters }
}

export interface PollFulfillment {
  readonly type: 'Poll_Fulfillment'
  readonly messageId: string
  readonly collectionName: string
  readonly resultId: string
  readonly resultPartNumber: number
}

/** Recognised, so that it can be answered; its content is not read. */
export interface InboxMessage {
  readonly type: 'Inbox_Message'
  readonly messageId: string
}

export const subscriptionActions = [
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'PAUSE',
  'RESUME',
  'STATUS',
] as const
export type SubscriptionAction = (typeof subscriptionActions)[number]

/** What a subscription's polls are answered by. */
export interface SubscriptionParameters {
  readonly responseType: ResponseType
  /** none: any */
  readonly contentBindings: readonly RequestedBinding[]
  /** the format of a Query, where there is one */
  readonly queryFormatId: string | undefined
}

/** Services specification 1.1, section 4.4.6. */
export interface SubscriptionManagementRequest {
  readonly type: 'Subscription_Management_Request'
  readonly messageId: string
  readonly collectionName: string
  readonly by:
    | {
        readonly action: 'SUBSCRIBE'
        readonly parameters: SubscriptionParameters
        readonly pushParameters: PushParameters | undefined
      }
    | { readonly action: 'UNSUBSCRIBE' | 'PAUSE' | 'RESUME'; readonly subscriptionId: string }
    /** undefined: all of the requester's to this collection */
    | { readonly action: 'STATUS'; readonly subscriptionId: string | undefined }
}

export type RequestMessage =
  | DiscoveryRequest
  | CollectionInformationRequest
  | PollRequest
  | PollFulfillment
  | InboxMessage
  | SubscriptionManagementRequest

export type ServiceType = 'DISCOVERY' | 'COLLECTION_MANAGEMENT' | 'INBOX' | 'POLL'

/** How a service is reached. */
export interface ServiceContact {
  readonly protocolBinding: string
  readonly address: string
  readonly messageBindings: readonly string[]
}

export interface ServiceInstance extends ServiceContact {
  readonly serviceType: ServiceType
  /** whether the requester may use it */
  readonly available: boolean
  /** of an INBOX: the content bindings that it takes */
  readonly contentBindings?: readonly string[]
  readonly message: string
}

export interface DiscoveryResponse {
  readonly type: 'Discovery_Response'
  readonly inResponseTo: string
  readonly serviceInstances: readonly ServiceInstance[]
}

export interface CollectionInformation {
  readonly collectionName: string
  readonly collectionType: CollectionType
  readonly description: string
  /** records on a typical day; undefined: not known */
  readonly volume: number | undefined
  readonly contentBindings: readonly string[]
  readonly pollingServices: readonly ServiceContact[]
  readonly subscriptionServices: readonly ServiceContact[]
  readonly receivingInboxServices: readonly ReceivingInboxService[]
}

export interface ReceivingInboxService extends ServiceContact {
  /** what it takes */
  readonly contentBindings: readonly string[]
}

export interface CollectionInformationResponse {
  readonly type: 'Collection_Information_Response'
  readonly inResponseTo: string
  readonly collections: readonly CollectionInformation[]
}

/** A subscription as its owner is told of it. */
export interface SubscriptionInstance {
  readonly subscriptionId: string
  readonly status: SubscriptionStatus
  /** undefined: there never was such a subscription */
  readonly parameters:
    | { readonly responseType: ResponseType; readonly contentBindings: readonly string[] }
    | undefined
  readonly pollInstances: readonly ServiceContact[]
}

export interface SubscriptionManagementResponse {
  readonly type: 'Subscription_Management_Response'
  /** what was asked for */
  readonly action: SubscriptionAction
  readonly inResponseTo: string
  readonly collectionName: string
  readonly message?: string
  readonly subscriptions: readonly SubscriptionInstance[]
}

export interface PollResponseHead {
  readonly inResponseTo: string
  readonly collectionName: string
  /** A TAXII 1.1 response of a data set shows neither its range nor its blocks' labels. */
  readonly collectionType: CollectionType
  /** the subscription that was polled by */
  readonly subscriptionId?: string
  /** the range that was considered; a part of a result set names its own */
  readonly range: LabelRange
  readonly recordCount: number
  readonly message?: string
  /** set where the response is a part of a result set */
  readonly part?: {
    readonly resultId: string
    readonly resultPartNumber: number
    readonly more: boolean
  }
}

export interface LedgerEntry {
  readonly pollId: number
  /** when the poll was begun, by performance.now() */
  readonly beganMs: number
}

export interface PollResponse extends PollResponseHead {
  readonly type: 'Poll_Response'
  /** the poll's entry in the ledger, to be completed when the answer has been sent */
  readonly entry?: LedgerEntry
  readonly contentBinding: string
  /** undefined: none */
  readonly blocks?: AsyncIterable<readonly FeedBlock[]>
}

export const statusTypes = [
  'ASYNCHRONOUS_POLL_ERROR',
  'BAD_MESSAGE',
  'DENIED',
  'DESTINATION_COLLECTION_ERROR',
  'FAILURE',
  'INVALID_RESPONSE_PART',
  'NETWORK_ERROR',
  'NOT_FOUND',
  'PENDING',
  'POLLING_UNSUPPORTED',
  'RETRY',
  'SUCCESS',
  'UNAUTHORIZED',
  'UNSUPPORTED_CONTENT',
  'UNSUPPORTED_MESSAGE',
  'UNSUPPORTED_PROTOCOL',
  'UNSUPPORTED_QUERY',
] as const
export type StatusType = (typeof statusTypes)[number]

export interface StatusDetail {
  readonly name:
    | 'ACCEPTABLE_DESTINATION'
    | 'ESTIMATED_WAIT'
    | 'ITEM'
    | 'MAX_PART_NUMBER'
    | 'RESULT_ID'
    | 'SUPPORTED_BINDING'
    | 'SUPPORTED_CONTENT'
    | 'SUPPORTED_PROTOCOL'
    | 'SUPPORTED_QUERY'
    | 'WILL_PUSH'
  readonly value: string
}

export interface StatusMessage {
  readonly type: 'Status_Message'
  readonly statusType: StatusType
  /** '0' where the request's id could not be read */
  readonly inResponseTo: string
  readonly details: readonly StatusDetail[]
  readonly message: string
}

export type ResponseMessage =
  | DiscoveryResponse
  | CollectionInformationResponse
  | SubscriptionManagementResponse
  | PollResponse
  | StatusMessage
