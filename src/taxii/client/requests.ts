import { randomUUID } from 'node:crypto'
import { formatMicros, type Micros } from '../../model/micros.ts'
import { escapeAttribute, escapeText } from '../../xml/write.ts'
import {
  messageBinding,
  protocolBindings,
  type Scheme,
  servicesVersion,
  taxiiNamespace,
} from '../messages.ts'

/** The headers that cabby sends by requests, under the names and with the values that were seen on the wire. */
export function requestHeaders(
  scheme: Scheme,
  userAgent: string,
  authorization: string | undefined,
): Record<string, string> {
  return {
    'User-Agent': userAgent,
    'Accept-Encoding': 'gzip, deflate',
    Accept: 'application/xml',
    'Content-Type': 'application/xml',
    'X-TAXII-Content-Type': messageBinding,
    'X-TAXII-Accept': messageBinding,
    'X-TAXII-Services': servicesVersion,
    'X-TAXII-Protocol': protocolBindings[scheme],
    ...(authorization !== undefined && { Authorization: authorization }),
  }
}

/** As Python's isoformat() writes a moment of UTC: `+00:00`, and no fraction where it is naught. */
export function isoformat(moment: Micros): string {
  return formatMicros(moment).replace(/(?:\.000000)?Z$/, '+00:00')
}

/** A message to send, with the id that its answer must name. */
export interface Outgoing {
  readonly name:
    | 'Poll_Request'
    | 'Poll_Fulfillment'
    | 'Discovery_Request'
    | 'Collection_Information_Request'
  readonly messageId: string
  readonly xml: string
}

export interface PollQuestion {
  readonly collection: string
  readonly begin: Micros | undefined
  readonly end: Micros | undefined
  readonly subscriptionId: string | undefined
  /** what it asks for; an empty list asks for any */
  readonly bindings: readonly string[]
}

export function pollRequest(question: PollQuestion): Outgoing {
  const { collection, begin, end, subscriptionId, bindings } = question
  const times = moment('Exclusive_Begin_Timestamp', begin) + moment('Inclusive_End_Timestamp', end)
  const wanted = bindings
    .map((one) => `\n    <taxii_11:Content_Binding binding_id="${escapeAttribute(one)}"/>`)
    .join('')
  const by =
    subscriptionId === undefined
      ? '\n  <taxii_11:Poll_Parameters allow_asynch="false">' +
        `\n    <taxii_11:Response_Type>FULL</taxii_11:Response_Type>${wanted}` +
        '\n  </taxii_11:Poll_Parameters>'
      : `\n  <taxii_11:Subscription_ID>${escapeText(subscriptionId)}</taxii_11:Subscription_ID>`
  return message('Poll_Request', ` collection_name="${escapeAttribute(collection)}"`, times + by)
}

export function pollFulfillment(collection: string, resultId: string, part: number): Outgoing {
  const attributes =
    ` collection_name="${escapeAttribute(collection)}"` +
    ` result_id="${escapeAttribute(resultId)}" result_part_number="${part}"`
  return message('Poll_Fulfillment', attributes)
}

export function discoveryRequest(): Outgoing {
  return message('Discovery_Request')
}

export function collectionInformationRequest(): Outgoing {
  return message('Collection_Information_Request')
}

function moment(name: string, at: Micros | undefined): string {
  return at === undefined ? '' : `\n  <taxii_11:${name}>${isoformat(at)}</taxii_11:${name}>`
}

function message(name: Outgoing['name'], attributes = '', children = ''): Outgoing {
  const messageId = randomUUID()
  const head = `taxii_11:${name} xmlns:taxii_11="${taxiiNamespace}" message_id="${messageId}"${attributes}`
  const xml = children === '' ? `<${head}/>\n` : `<${head}>${children}\n</taxii_11:${name}>\n`
  return { name, messageId, xml }
}
