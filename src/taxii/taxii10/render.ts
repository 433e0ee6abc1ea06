import { randomInt } from 'node:crypto'
import type { FeedBlock } from '../../model/feed.ts'
import { formatMicros } from '../../model/micros.ts'
import { escapeAttribute, escapeText } from '../../xml/write.ts'
import type {
  CollectionInformation,
  PollResponse,
  PollResponseHead,
  ResponseMessage,
  ServiceContact,
  ServiceInstance,
  ServiceType,
  StatusMessage,
  StatusType,
  SubscriptionInstance,
  SubscriptionManagementResponse,
} from '../messages.ts'
import { messageBinding10, servicesVersion10, taxii10Namespace } from './identifiers.ts'
import { isMessageId10 } from './parse.ts'

// The prefix is the one that libtaxii writes. A default namespace would reach into the content.

/** @param attributes already written, with a space in front */
function open(name: string, inResponseTo: string, attributes = ''): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<taxii:${name} xmlns:taxii="${taxii10Namespace}" message_id="${randomInt(2 ** 48 - 1)}"` +
    // Where a request's id is no number, its answer can only name none.
    ` in_response_to="${isMessageId10(inResponseTo) ? inResponseTo : '0'}"${attributes}>`
  )
}

function close(name: string): string {
  return `</taxii:${name}>\n`
}

function textElement(name: string, value: string): string {
  return `<taxii:${name}>${escapeText(value)}</taxii:${name}>`
}

function element(name: string, content: string): string {
  return `<taxii:${name}>${content}</taxii:${name}>`
}

/** Any message but a Poll_Response, which is sent in pieces. */
export function renderMessage10(message: Exclude<ResponseMessage, PollResponse>): string {
  switch (message.type) {
    case 'Discovery_Response':
      return (
        open('Discovery_Response', message.inResponseTo) +
        message.serviceInstances.map(serviceInstance).join('') +
        close('Discovery_Response')
      )
    case 'Collection_Information_Response':
      return (
        open('Feed_Information_Response', message.inResponseTo) +
        // A feed that can neither be polled nor is pushed does not exist in TAXII 1.0.
        message.collections
          .filter(({ pollingServices }) => pollingServices.length > 0)
          .map(feed)
          .join('') +
        close('Feed_Information_Response')
      )
    case 'Subscription_Management_Response':
      return renderSubscriptionManagementResponse(message)
    case 'Status_Message':
      return renderStatusMessage(message)
  }
}

const serviceTypes: Readonly<Record<ServiceType, string>> = {
  DISCOVERY: 'DISCOVERY',
  COLLECTION_MANAGEMENT: 'FEED_MANAGEMENT',
  INBOX: 'INBOX',
  POLL: 'POLL',
}

function serviceInstance(instance: ServiceInstance): string {
  return (
    `<taxii:Service_Instance service_type="${serviceTypes[instance.serviceType]}"` +
    ` service_version="${servicesVersion10}" available="${instance.available}">` +
    contact(instance) +
    (instance.contentBindings ?? []).map((one) => textElement('Content_Binding', one)).join('') +
    textElement('Message', instance.message) +
    '</taxii:Service_Instance>'
  )
}

/** The message bindings begin with the client's own: some look at the first alone. */
function contact({ protocolBinding, address, messageBindings }: ServiceContact): string {
  const others = messageBindings.filter((one) => one !== messageBinding10)
  return (
    textElement('Protocol_Binding', protocolBinding) +
    textElement('Address', address) +
    [messageBinding10, ...others].map((one) => textElement('Message_Binding', one)).join('')
  )
}

function feed(information: CollectionInformation): string {
  return (
    `<taxii:Feed feed_name="${escapeAttribute(information.collectionName)}" available="true">` +
    textElement('Description', information.description) +
    information.contentBindings.map((one) => textElement('Content_Binding', one)).join('') +
    information.pollingServices.map((one) => element('Polling_Service', contact(one))).join('') +
    information.subscriptionServices
      .map((one) => element('Subscription_Service', contact(one)))
      .join('') +
    '</taxii:Feed>'
  )
}

function renderSubscriptionManagementResponse(response: SubscriptionManagementResponse): string {
  const { inResponseTo, collectionName, message, action, subscriptions } = response
  // TAXII 1.0 has no status, so that one which has ended would pass for one that has not.
  const shown =
    action === 'STATUS'
      ? subscriptions.filter(({ status }) => status !== 'UNSUBSCRIBED')
      : subscriptions
  return (
    open(
      'Subscription_Management_Response',
      inResponseTo,
      ` feed_name="${escapeAttribute(collectionName)}"`,
    ) +
    (message === undefined ? '' : textElement('Message', message)) +
    shown.map(subscription).join('') +
    close('Subscription_Management_Response')
  )
}

function subscription({ subscriptionId, pollInstances }: SubscriptionInstance): string {
  return (
    `<taxii:Subscription subscription_id="${escapeAttribute(subscriptionId)}">` +
    pollInstances.map((one) => element('Poll_Instance', contact(one))).join('') +
    '</taxii:Subscription>'
  )
}

/** The nearest of the status types of TAXII 1.0 (its schema, StatusTypeEnum). */
const statusTypes10 = {
  ASYNCHRONOUS_POLL_ERROR: 'FAILURE',
  BAD_MESSAGE: 'BAD_MESSAGE',
  DENIED: 'DENIED',
  DESTINATION_COLLECTION_ERROR: 'FAILURE',
  FAILURE: 'FAILURE',
  INVALID_RESPONSE_PART: 'FAILURE',
  NETWORK_ERROR: 'FAILURE',
  NOT_FOUND: 'NOT_FOUND',
  PENDING: 'FAILURE',
  POLLING_UNSUPPORTED: 'POLLING_UNSUPPORTED',
  RETRY: 'RETRY',
  SUCCESS: 'SUCCESS',
  UNAUTHORIZED: 'UNAUTHORIZED',
  UNSUPPORTED_CONTENT: 'UNSUPPORTED_CONTENT',
  UNSUPPORTED_MESSAGE: 'UNSUPPORTED_MESSAGE',
  UNSUPPORTED_PROTOCOL: 'UNSUPPORTED_PROTOCOL',
  UNSUPPORTED_QUERY: 'FAILURE',
} as const satisfies Record<StatusType, StatusType>

/** In TAXII 1.0 Status_Detail is one text, and a list where the recipient does not support something. */
const listed = new Set(['SUPPORTED_BINDING', 'SUPPORTED_CONTENT', 'SUPPORTED_PROTOCOL'])

function renderStatusMessage(status: StatusMessage): string {
  const list = status.details.filter(({ name }) => listed.has(name)).map(({ value }) => value)
  const statusType = statusTypes10[status.statusType]
  return (
    open('Status_Message', status.inResponseTo, ` status_type="${statusType}"`) +
    (list.length > 0 ? textElement('Status_Detail', list.join(' ')) : '') +
    textElement('Message', status.message) +
    close('Status_Message')
  )
}

/** The beginning of a Poll_Response; the blocks and pollResponseTail10() follow. */
export function pollResponseHead10(head: PollResponseHead): string {
  const { range, subscriptionId } = head
  const attributes =
    ` feed_name="${escapeAttribute(head.collectionName)}"` +
    (subscriptionId === undefined ? '' : ` subscription_id="${escapeAttribute(subscriptionId)}"`)
  return (
    open('Poll_Response', head.inResponseTo, attributes) +
    (head.message === undefined ? '' : textElement('Message', head.message)) +
    // What was considered begins after the request's exclusive begin; labels are whole microseconds.
    (range.begin === undefined
      ? ''
      : textElement(
          'Inclusive_Begin_Timestamp',
          formatMicros(Math.min(range.begin + 1, range.end)),
        )) +
    textElement('Inclusive_End_Timestamp', formatMicros(range.end))
  )
}

/** The content is put in as it is, as in TAXII 1.1. */
export function contentBlock10(block: FeedBlock, { contentBinding }: PollResponse): string {
  return (
    `<taxii:Content_Block>${textElement('Content_Binding', contentBinding)}` +
    `<taxii:Content>${block.content}</taxii:Content>` +
    textElement('Timestamp_Label', formatMicros(block.label)) +
    '</taxii:Content_Block>'
  )
}

export function pollResponseTail10(): string {
  return close('Poll_Response')
}
