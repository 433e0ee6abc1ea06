import type { XmlElement } from '../../xml/read.ts'
import type {
  PollRequest,
  PushParameters,
  RequestedBinding,
  RequestMessage,
  SubscriptionManagementRequest,
} from '../messages.ts'
import { getMessageId, readTimestamp } from '../parse.ts'
import { badMessage } from '../refusal.ts'
import { readAttributes, readChildren, text } from '../sequence.ts'
import { taxii10Namespace } from './identifiers.ts'

/**
 * Reads a request of TAXII 1.0 as strictly as its schema does, into the message of TAXII 1.1 that means the same.
 * @throws TaxiiRefusal BAD_MESSAGE
 */
export function elementToMessage10(root: XmlElement): RequestMessage {
  if (root.namespace !== taxii10Namespace) {
    throw badMessage(`"${root.name}" is not in the namespace of TAXII 1.0, ${taxii10Namespace}`)
  }
  const messageId = getMessageId10(root)

  switch (root.name) {
    case 'Discovery_Request':
      readEmpty(root)
      return { type: 'Discovery_Request', messageId }
    case 'Feed_Information_Request':
      readEmpty(root)
      return { type: 'Collection_Information_Request', messageId }
    case 'Poll_Request':
      return readPollRequest(root, messageId)
    case 'Subscription_Management_Request':
      return readSubscriptionRequest(root, messageId)
    case 'Inbox_Message':
      return { type: root.name, messageId }
    case 'Collection_Information_Request':
    case 'Poll_Fulfillment':
      throw badMessage(`"${root.name}" is of TAXII 1.1, and in the namespace of TAXII 1.0`)
    default:
      throw badMessage(`"${root.name}" is not a request`)
  }
}

/** @throws TaxiiRefusal BAD_MESSAGE where there is none, or one that only TAXII 1.1 allows */
export function getMessageId10(root: XmlElement): string {
  const messageId = getMessageId(root)
  if (isMessageId10(messageId)) return messageId
  throw badMessage(`message_id has only digits in TAXII 1.0, not "${messageId}"`)
}

/** Ids of messages are numbers in TAXII 1.0, of any length. */
export function isMessageId10(id: string): boolean {
  return /^[0-9]+$/.test(id)
}

/** TAXII 1.0 has no subtypes: a binding is its element's text. */
export function readContentBinding10(element: XmlElement): RequestedBinding {
  readAttributes(element, [])
  const bindingId = text(element).trim()
  if (bindingId === '') throw badMessage('Content_Binding is empty')
  return { bindingId, subtypeIds: [] }
}

function readEmpty(root: XmlElement): void {
  readAttributes(root, ['message_id'])
  readChildren(root, { message: true }).end()
}

function readPollRequest(root: XmlElement, messageId: string): PollRequest {
  const { feed_name: collectionName, subscription_id: subscriptionId } = readAttributes(
    root,
    ['message_id', 'feed_name'],
    ['subscription_id'],
  )
  const children = readChildren(root, { message: true })
  const begin = children.optional('Exclusive_Begin_Timestamp')
  const end = children.optional('Inclusive_End_Timestamp')
  const bindings = children.many('Content_Binding')
  children.end()
  const contentBindings = bindings.map(readContentBinding10)
  return {
    type: 'Poll_Request',
    version: '1.0',
    messageId,
    collectionName,
    exclusiveBeginTimestamp: begin && readTimestamp(begin),
    inclusiveEndTimestamp: end && readTimestamp(end),
    by: subscriptionId
      ? { subscriptionId }
      : {
          pollParameters: {
            allowAsynch: false,
            responseType: 'FULL',
            contentBindings,
            queryFormatId: undefined,
            deliveryParameters: undefined,
          },
        },
  }
}

/** A subscription has no parameters in TAXII 1.0: it is for whole content of any binding. */
function readSubscriptionRequest(
  root: XmlElement,
  messageId: string,
): SubscriptionManagementRequest {
  const attributes = readAttributes(
    root,
    ['message_id', 'action', 'feed_name'],
    ['subscription_id'],
  )
  const children = readChildren(root, { message: true })
  const push = children.optional('Push_Parameters')
  children.end()
  const pushParameters = push && readPushParameters(push)
  const { action, feed_name: collectionName, subscription_id: subscriptionId } = attributes
  const rest = { type: 'Subscription_Management_Request', messageId, collectionName } as const
  switch (action) {
    case 'SUBSCRIBE': {
      const parameters = {
        responseType: 'FULL',
        contentBindings: [],
        queryFormatId: undefined,
      } as const
      return { ...rest, by: { action, parameters, pushParameters } }
    }
    case 'UNSUBSCRIBE':
      if (!subscriptionId) throw badMessage('UNSUBSCRIBE needs a subscription_id')
      return { ...rest, by: { action, subscriptionId } }
    case 'STATUS':
      // Its schema has the id ignored with all other actions.
      return { ...rest, by: { action, subscriptionId: undefined } }
    default:
      throw badMessage(`action is SUBSCRIBE, UNSUBSCRIBE or STATUS in TAXII 1.0, not "${action}"`)
  }
}

function readPushParameters(element: XmlElement): PushParameters {
  readAttributes(element, [])
  const children = readChildren(element)
  const parameters = {
    protocolBinding: text(children.required('Protocol_Binding')).trim(),
    address: text(children.required('Address')).trim(),
    messageBinding: text(children.required('Message_Binding')).trim(),
  }
  children.many('Content_Binding').forEach(readContentBinding10)
  children.end()
  return parameters
}
