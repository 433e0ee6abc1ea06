import type { FeedBlock } from '../model/feed.ts'
import type { XmlElement } from '../xml/read.ts'
import { type InboxLayout, inboxLayout10, inboxLayout11 } from './inbox-message.ts'
import {
  messageBinding,
  type PollResponse,
  type PollResponseHead,
  type RequestedBinding,
  type RequestMessage,
  type ResponseMessage,
  servicesVersion,
  taxiiNamespace,
} from './messages.ts'
import { elementToMessage, getMessageId, readContentBinding } from './parse.ts'
import { contentBlock, pollResponseHead, pollResponseTail, renderMessage } from './render.ts'
import { messageBinding10, servicesVersion10, taxii10Namespace } from './taxii10/identifiers.ts'
import { elementToMessage10, getMessageId10, readContentBinding10 } from './taxii10/parse.ts'
import {
  contentBlock10,
  pollResponseHead10,
  pollResponseTail10,
  renderMessage10,
} from './taxii10/render.ts'

/** How one version of TAXII spells messages. An answer is of the version of its request. */
export interface MessageBinding {
  readonly version: '1.0' | '1.1'
  /** of its messages' elements */
  readonly namespace: string
  /** what X-TAXII-Content-Type calls it */
  readonly id: string
  /** what X-TAXII-Services calls it */
  readonly servicesVersion: string
  /** @throws TaxiiRefusal BAD_MESSAGE */
  readonly getMessageId: (root: XmlElement) => string
  /** @throws TaxiiRefusal BAD_MESSAGE */
  readonly toMessage: (root: XmlElement) => RequestMessage
  /** of an Inbox_Message, which is read as a stream */
  readonly inbox: InboxLayout
  /** @throws TaxiiRefusal BAD_MESSAGE */
  readonly toContentBinding: (element: XmlElement) => RequestedBinding
  readonly render: (message: Exclude<ResponseMessage, PollResponse>) => string
  /** A Poll_Response is its head, its blocks and its tail. */
  readonly pollHead: (head: PollResponseHead) => string
  readonly pollBlock: (block: FeedBlock, response: PollResponse) => string
  readonly pollTail: () => string
}

export const taxii11: MessageBinding = {
  version: '1.1',
  namespace: taxiiNamespace,
  id: messageBinding,
  servicesVersion,
  getMessageId,
  toMessage: elementToMessage,
  inbox: inboxLayout11,
  toContentBinding: readContentBinding,
  render: renderMessage,
  pollHead: pollResponseHead,
  pollBlock: contentBlock,
  pollTail: pollResponseTail,
}

export const taxii10: MessageBinding = {
  version: '1.0',
  namespace: taxii10Namespace,
  id: messageBinding10,
  servicesVersion: servicesVersion10,
  getMessageId: getMessageId10,
  toMessage: elementToMessage10,
  inbox: inboxLayout10,
  toContentBinding: readContentBinding10,
  render: renderMessage10,
  pollHead: pollResponseHead10,
  pollBlock: contentBlock10,
  pollTail: pollResponseTail10,
}

const bindings: readonly MessageBinding[] = [taxii11, taxii10]

/**
 * @param namespace of the message's root; undefined where none could be read
 * @param contentType X-TAXII-Content-Type
 * @returns the binding to answer in: the message's, or else the one that the headers tell of, or 1.1
 */
export function bindingToAnswerIn(
  namespace: string | undefined,
  contentType: string | undefined,
): MessageBinding {
  return (
    bindings.find((one) => one.namespace === namespace) ??
    bindings.find(({ id }) => id === contentType?.trim()) ??
    taxii11
  )
}
