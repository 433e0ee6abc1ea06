import { randomUUID } from 'node:crypto'
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

/** Any message but a Poll_Response, which is sent in pieces. */
export function renderMessage(message: Exclude<ResponseMessage, PollResponse>): string {
  switch (message.type) {
    case 'Discovery_Response':
      return renderDiscoveryResponse(message)
    case 'Collection_Information_Response':
      return renderCollectionInformationResponse(message)
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
    ` service_version="${servicesVersion}" available="true">` +
    contact(instance) +
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
    ' collection_type="DATA_FEED" available="true">' +
    textElement('Description', information.description) +
    information.contentBindings.map(contentBinding).join('') +
    information.pollingServices
      .map((service) => `<taxii_11:Polling_Service>${contact(service)}</taxii_11:Polling_Service>`)
      .join('') +
    '</taxii_11:Collection>'
  )
}

function contentBinding(bindingId: string): string {
  return `<taxii_11:Content_Binding binding_id="${escapeAttribute(bindingId)}"/>`
}

/** The beginning of a Poll_Response; the blocks and pollResponseTail() follow. */
export function pollResponseHead(head: PollResponseHead): string {
  const { range, part } = head
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
    (range.begin === undefined
      ? ''
      : textElement('Exclusive_Begin_Timestamp', formatMicros(range.begin))) +
    textElement('Inclusive_End_Timestamp', formatMicros(range.end)) +
    `<taxii_11:Record_Count>${head.recordCount}</taxii_11:Record_Count>` +
    (head.message === undefined ? '' : textElement('Message', head.message))
  )
}

/**
 * The content is put in as it is, which is why a stored package has no XML declaration and declares
 * every prefix that it uses.
 */
export function contentBlock(block: FeedBlock, bindingId: string): string {
  return (
    `<taxii_11:Content_Block>${contentBinding(bindingId)}` +
    `<taxii_11:Content>${block.content}</taxii_11:Content>` +
    `<taxii_11:Timestamp_Label>${formatMicros(block.label)}</taxii_11:Timestamp_Label>` +
    '</taxii_11:Content_Block>'
  )
}

export function pollResponseTail(): string {
  return close('Poll_Response')
}
