import type { FeedBlock } from '../model/feed.ts'
import type { XmlElement } from '../xml/read.ts'
import {
  messageBinding,
  type PollResponse,
  type PollResponseHead,
  type RequestMessage,
  type ResponseMessage,
  servicesVersion,
  taxiiNamespace,
} from './messages.ts'
import { elementToMessage } from './parse.ts'
import { contentBlock, pollResponseHead, pollResponseTail, renderMessage } from './render.ts'

/** How one version of TAXII spells messages. An answer is of the version of its request. */
export interface MessageBinding {
  readonly version: '1.1'
  /** of its messages' elements */
  readonly namespace: string
  /** what X-TAXII-Content-Type calls it */
  readonly id: string
  /** what X-TAXII-Services calls it */
  readonly servicesVersion: string
  /** @throws TaxiiRefusal BAD_MESSAGE */
  readonly toMessage: (root: XmlElement) => RequestMessage
  readonly render: (message: Exclude<ResponseMessage, PollResponse>) => string
  /** A Poll_Response is its head, its blocks and its tail. */
  readonly pollHead: (head: PollResponseHead) => string
  readonly pollBlock: (block: FeedBlock, bindingId: string) => string
  readonly pollTail: () => string
}

export const taxii11: MessageBinding = {
  version: '1.1',
  namespace: taxiiNamespace,
  id: messageBinding,
  servicesVersion,
  toMessage: elementToMessage,
  render: renderMessage,
  pollHead: pollResponseHead,
  pollBlock: contentBlock,
  pollTail: pollResponseTail,
}

const bindings: readonly MessageBinding[] = [taxii11]

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
