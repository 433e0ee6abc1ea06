import { type Micros, parseMicros } from '../model/micros.ts'
import type { ResponseType } from '../model/subscription.ts'
import { findAttribute, type XmlElement } from '../xml/read.ts'
import {
  type PollParameters,
  type PushParameters,
  type RequestedBinding,
  type RequestMessage,
  type SubscriptionParameters,
  subscriptionActions,
  taxiiNamespace,
} from './messages.ts'
import { badMessage } from './refusal.ts'
import { readAttributes, readChildren, text } from './sequence.ts'

/** @returns the id that an answer must name, read as leniently as can be */
export function findMessageId(root: XmlElement): string | undefined {
  return findAttribute(root, 'message_id')?.trim() || undefined
}

/** @throws TaxiiRefusal BAD_MESSAGE where there is none */
export function getMessageId(root: XmlElement): string {
  const messageId = findMessageId(root)
  if (messageId === undefined) throw badMessage('message_id is missing')
  return messageId
}

/**
 * Reads a request as strictly as the TAXII 1.1 schema and Schematron do, and once less: a SUBSCRIBE needs no
 * Subscription_Parameters, which then are those of the schema's defaults.
 * @throws TaxiiRefusal BAD_MESSAGE
 */
export function elementToMessage(root: XmlElement): RequestMessage {
  if (root.namespace !== taxiiNamespace) {
    throw badMessage(`"${root.name}" is not in the namespace of TAXII 1.1, ${taxiiNamespace}`)
  }
  const messageId = getMessageId(root)

  switch (root.name) {
    case 'Discovery_Request':
    case 'Collection_Information_Request':
      readAttributes(root, ['message_id'])
      readChildren(root, { message: true }).end()
      return { type: root.name, messageId }
    case 'Poll_Request':
      return readPollRequest(root, messageId)
    case 'Poll_Fulfillment':
      return readPollFulfillment(root, messageId)
    case 'Subscription_Management_Request':
      return readSubscriptionManagementRequest(root, messageId)
    case 'Inbox_Message':
      return { type: root.name, messageId }
    default:
      throw badMessage(`"${root.name}" is not a request`)
  }
}

function readPollRequest(root: XmlElement, messageId: string): RequestMessage {
  const { collection_name: collectionName } = readAttributes(root, [
    'message_id',
    'collection_name',
  ])
  const children = readChildren(root, { message: true })
  const begin = children.optional('Exclusive_Begin_Timestamp')
  const end = children.optional('Inclusive_End_Timestamp')
  const subscriptionId = children.optional('Subscription_ID')
  const parameters = subscriptionId ? undefined : children.optional('Poll_Parameters')
  children.end()
  const rest = {
    type: 'Poll_Request',
    version: '1.1',
    messageId,
    collectionName,
    exclusiveBeginTimestamp: begin && readTimestamp(begin),
    inclusiveEndTimestamp: end && readTimestamp(end),
  } as const
  if (subscriptionId) return { ...rest, by: { subscriptionId: text(subscriptionId).trim() } }
  if (parameters) return { ...rest, by: { pollParameters: readPollParameters(parameters) } }
  throw badMessage('Poll_Request has neither a Subscription_ID nor Poll_Parameters')
}

function readPollParameters(element: XmlElement): PollParameters {
  const { allow_asynch: allowed } = readAttributes(element, [], ['allow_asynch'])
  const allowAsynch = allowed === undefined ? false : readBoolean(allowed, 'allow_asynch')
  const children = readChildren(element)
  const responseType = children.optional('Response_Type')
  const bindings = children.many('Content_Binding')
  const query = children.optional('Query')
  const delivery = children.optional('Delivery_Parameters')
  children.end()
  if (delivery && !allowAsynch) {
    throw badMessage('Delivery_Parameters need allow_asynch="true"')
  }
  return {
    allowAsynch,
    responseType: responseType ? readResponseType(responseType) : 'FULL',
    contentBindings: bindings.map(readContentBinding),
    queryFormatId: query && readAttributes(query, ['format_id']).format_id,
    deliveryParameters: delivery && readPushParameters(delivery),
  }
}

function readResponseType(element: XmlElement): ResponseType {
  const value = text(element).trim()
  // An empty element takes the schema's default.
  if (value === '' || value === 'FULL') return 'FULL'
  if (value === 'COUNT_ONLY') return value
  throw badMessage(`Response_Type is FULL or COUNT_ONLY, not "${value}"`)
}

/** @throws TaxiiRefusal BAD_MESSAGE */
export function readContentBinding(element: XmlElement): RequestedBinding {
  const { binding_id: bindingId } = readAttributes(element, ['binding_id'])
  const children = readChildren(element)
  const subtypes = children.many('Subtype')
  children.end()
  const subtypeIds = subtypes.map((one) => {
    readChildren(one).end()
    return readAttributes(one, ['subtype_id']).subtype_id
  })
  return { bindingId, subtypeIds }
}

function readPushParameters(element: XmlElement): PushParameters {
  const children = readChildren(element)
  const parameters = {
    protocolBinding: text(children.required('Protocol_Binding')).trim(),
    address: text(children.required('Address')).trim(),
    messageBinding: text(children.required('Message_Binding')).trim(),
  }
  children.end()
  return parameters
}

function readSubscriptionManagementRequest(root: XmlElement, messageId: string): RequestMessage {
  const { collection_name: collectionName, action: named } = readAttributes(root, [
    'message_id',
    'collection_name',
    'action',
  ])
  const action = subscriptionActions.find((one) => one === named)
  if (!action)
    throw badMessage(`action is one of ${subscriptionActions.join(', ')}, not "${named}"`)
  const children = readChildren(root, { message: true })
  const id = children.optional('Subscription_ID')
  const parameters = children.optional('Subscription_Parameters')
  const push = children.optional('Push_Parameters')
  children.end()
  const rest = { type: 'Subscription_Management_Request', messageId, collectionName } as const
  const subscriptionId = id && text(id).trim()
  if (action === 'SUBSCRIBE') {
    // The schema says that a Subscription_ID is ignored here.
    const pushParameters = push && readPushParameters(push)
    const by = { action, parameters: readSubscriptionParameters(parameters), pushParameters }
    return { ...rest, by }
  }
  const extra = parameters ?? push
  if (extra)
    throw badMessage(`${extra.name} go with the action SUBSCRIBE alone, not with ${action}`)
  if (action === 'STATUS') return { ...rest, by: { action, subscriptionId } }
  if (!subscriptionId) throw badMessage(`${action} needs the Subscription_ID that it is for`)
  return { ...rest, by: { action, subscriptionId } }
}

function readSubscriptionParameters(element: XmlElement | undefined): SubscriptionParameters {
  if (!element) return { responseType: 'FULL', contentBindings: [], queryFormatId: undefined }
  readAttributes(element, [])
  const children = readChildren(element)
  const responseType = children.optional('Response_Type')
  const bindings = children.many('Content_Binding')
  const query = children.optional('Query')
  children.end()
  return {
    responseType: responseType ? readResponseType(responseType) : 'FULL',
    contentBindings: bindings.map(readContentBinding),
    queryFormatId: query && readAttributes(query, ['format_id']).format_id,
  }
}

function readPollFulfillment(root: XmlElement, messageId: string): RequestMessage {
  const attributes = readAttributes(
    root,
    ['message_id', 'collection_name', 'result_id'],
    ['result_part_number'],
  )
  readChildren(root, { message: true }).end()
  const part = attributes.result_part_number ?? '1'
  if (!/^\+?0*[1-9]\d*$/.test(part)) {
    throw badMessage(`result_part_number is a whole number from 1, not "${part}"`)
  }
  return {
    type: 'Poll_Fulfillment',
    messageId,
    collectionName: attributes.collection_name,
    resultId: attributes.result_id,
    resultPartNumber: Number(part),
  }
}

/** @throws TaxiiRefusal BAD_MESSAGE */
export function readTimestamp(element: XmlElement): Micros {
  const value = text(element).trim()
  const moment = parseMicros(value)
  if (moment === undefined) {
    throw badMessage(
      `${element.name} is YYYY-MM-DDThh:mm:ss with at most 6 fractional digits and a zone, not "${value}"`,
    )
  }
  return moment
}

function readBoolean(value: string, name: string): boolean {
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw badMessage(`${name} is true or false, not "${value}"`)
}
