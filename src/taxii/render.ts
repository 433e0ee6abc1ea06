import { randomUUID } from 'node:crypto'
import type { CollectionType } from '../model/collection.ts'
import type { FeedBlock } from '../model/feed.ts'
import { formatMicros } from '../model/micros.ts'
import { escapeAttribute, escapeText } from '../xml/write.ts'
import {
  type CollectionInformation,
  type CollectionInformationResponse,
  type DiscoveryResponse,
  type PollResponse,
  type PollResponseHead,
  type ResponseMessage,
  type ServiceContact,
  type ServiceInstance,
  type StatusMessage,
  type SubscriptionInstance,
  type SubscriptionManagementResponse,
  servicesVersion,
  taxiiNamespace,
} from './messages.ts'

// The prefix is the one that libtaxii writes. A default namespace would reach into the content.

/** @param attributes already written, with a space in front */
function open(name: string, inResponseTo: string, attributes = ''): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<taxii_11:${name} xmlns:taxii_11="${taxiiNamespace}" message_id="${randomUUID()}"` +
    ` in_response_to="${escapeAttribute(inResponseTo)}"${attributes}>`
  )
}

function close(name: string): string {
  return `</taxii_11:${name}>\n`
}

function textElement(name: string, value: string): string {
  return `<taxii_11:${name}>${escapeText(value)}</taxii_11:${name}>`
}

function element(name: string, content: string): string {
  return `<taxii_11:${name}>${content}</taxii_11:${name}>`
}

/** Any message but a Poll_Response, which is sent in pieces. */
export function renderMessage(message: Exclude<ResponseMessage, PollResponse>): string {
  switch (message.type) {
    case 'Discovery_Response':
      return renderDiscoveryResponse(message)
    case 'Collection_Information_Response':
      return renderCollectionInformationResponse(message)
    case 'Subscription_Management_Response':
      return renderSubscriptionManagementResponse(message)
    case 'Status_Message':
      return renderStatusMessage(message)
  }
}

export function renderStatusMessage(status: StatusMessage): string {
  const details = status.details
    .map(
      ({ name, value }) => `<taxii_11:Detail name="${name}">${escapeText(value)}</taxii_11:Detail>`,
    )
    .join('')
  return (
    open('Status_Message', status.inResponseTo, ` status_type="${status.statusType}"`) +
    (details && `<taxii_11:Status_Detail>${details}</taxii_11:Status_Detail>`) +
    textElement('Message', status.message) +
    close('Status_Message')
  )
}

export function renderDiscoveryResponse(response: DiscoveryResponse): string {
  return (
    open('Discovery_Response', response.inResponseTo) +
    response.serviceInstances.map(serviceInstance).join('') +
    close('Discovery_Response')
  )
}

function serviceInstance(instance: ServiceInstance): string {
  return (
    `<taxii_11:Service_Instance service_type="${instance.serviceType}"` +
    ` service_version="${servicesVersion}" available="${instance.available}">` +
    contact(instance) +
    (instance.contentBindings ?? []).map(contentBinding).join('') +
    textElement('Message', instance.message) +
    '</taxii_11:Service_Instance>'
  )
}

function contact({ protocolBinding, address, messageBindings }: ServiceContact): string {
  return (
    textElement('Protocol_Binding', protocolBinding) +
    textElement('Address', address) +
    messageBindings.map((binding) => textElement('Message_Binding', binding)).join('')
  )
}

export function renderCollectionInformationResponse(
  response: CollectionInformationResponse,
): string {
  return (
    open('Collection_Information_Response', response.inResponseTo) +
    response.collections.map(collection).join('') +
    close('Collection_Information_Response')
  )
}

function collection(information: CollectionInformation): string {
  return (
    `<taxii_11:Collection collection_name="${escapeAttribute(information.collectionName)}"` +
    ` collection_type="${collectionTypes[information.collectionType]}" available="true">` +
    textElement('Description', information.description) +
    (information.volume === undefined
      ? ''
      : textElement('Collection_Volume', String(information.volume))) +
    information.contentBindings.map(contentBinding).join('') +
    information.pollingServices.map((one) => element('Polling_Service', contact(one))).join('') +
    information.subscriptionServices
      .map((one) => element('Subscription_Service', contact(one)))
      .join('') +
    information.receivingInboxServices
      .map((one) =>
        element(
          'Receiving_Inbox_Service',
          contact(one) + one.contentBindings.map(contentBinding).join(''),
        ),
      )
      .join('') +
    '</taxii_11:Collection>'
  )
}

const collectionTypes: Record<CollectionType, string> = {
  'data-feed': 'DATA_FEED',
  'data-set': 'DATA_SET',
}

export function renderSubscriptionManagementResponse(
  response: SubscriptionManagementResponse,
): string {
  const { inResponseTo, collectionName, message, subscriptions } = response
  return (
    open(
      'Subscription_Management_Response',
      inResponseTo,
      ` collection_name="${escapeAttribute(collectionName)}"`,
    ) +
    (message === undefined ? '' : textElement('Message', message)) +
    subscriptions.map(subscription).join('') +
    close('Subscription_Management_Response')
  )
}

function subscription(instance: SubscriptionInstance): string {
  const { subscriptionId, status, parameters, pollInstances } = instance
  return (
    `<taxii_11:Subscription status="${status}">` +
    textElement('Subscription_ID', subscriptionId) +
    (parameters
      ? element(
          'Subscription_Parameters',
          textElement('Response_Type', parameters.responseType) +
            parameters.contentBindings.map(contentBinding).join(''),
        )
      : '') +
    pollInstances.map((one) => element('Poll_Instance', contact(one))).join('') +
    '</taxii_11:Subscription>'
  )
}

function contentBinding(bindingId: string): string {
  return `<taxii_11:Content_Binding binding_id="${escapeAttribute(bindingId)}"/>`
}

/** The beginning of a Poll_Response; the blocks and pollResponseTail() follow. */
export function pollResponseHead(head: PollResponseHead): string {
  const { range, part, subscriptionId } = head
  const isFeed = head.collectionType === 'data-feed'
  // libtaxii takes only "true" for true: more="1" would lose parts in silence.
  const attributes = part
    ? ` more="${part.more}" result_id="${escapeAttribute(part.resultId)}"` +
      ` result_part_number="${part.resultPartNumber}"`
    : ' more="false"'
  return (
    open(
      'Poll_Response',
      head.inResponseTo,
      ` collection_name="${escapeAttribute(head.collectionName)}"${attributes}`,
    ) +
    (subscriptionId === undefined ? '' : textElement('Subscription_ID', subscriptionId)) +
    (isFeed && range.begin !== undefined
      ? textElement('Exclusive_Begin_Timestamp', formatMicros(range.begin))
      : '') +
    (isFeed ? textElement('Inclusive_End_Timestamp', formatMicros(range.end)) : '') +
    `<taxii_11:Record_Count>${head.recordCount}</taxii_11:Record_Count>` +
    (head.message === undefined ? '' : textElement('Message', head.message))
  )
}

/**
 * The content is put in as it is, which is why a stored package has no XML declaration and declares
 * every prefix that it uses.
 */
export function contentBlock(block: FeedBlock, response: PollResponse): string {
  return (
    `<taxii_11:Content_Block>${contentBinding(response.contentBinding)}` +
    `<taxii_11:Content>${block.content}</taxii_11:Content>` +
    (response.collectionType === 'data-feed'
      ? `<taxii_11:Timestamp_Label>${formatMicros(block.label)}</taxii_11:Timestamp_Label>`
      : '') +
    '</taxii_11:Content_Block>'
  )
}

export function pollResponseTail(): string {
  return close('Poll_Response')
}
