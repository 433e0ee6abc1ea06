import { findAttribute, readXml, type XmlElement } from '../../src/xml/read.ts'
import type { HttpAnswer } from './xml-exchange.ts'
import { namespaces, type TaxiiVersion } from './xml-messages.ts'

/** What an answer says, or what is wrong with it whatever was asked. */
export type Judged =
  | {
      readonly fault?: undefined
      /** the root's name, or of a Status_Message its type; of another HTTP status that first */
      readonly outcome: string
      readonly inResponseTo: string | undefined
      readonly message: string
    }
  | { readonly fault: string }

/** None of them says that something went wrong on our side. */
const httpStatuses = new Set([200, 400, 401, 404, 405, 406, 408, 411, 413, 415, 417, 429, 431])
const responses = new Set([
  'Status_Message',
  'Discovery_Response',
  'Collection_Information_Response',
  'Feed_Information_Response',
  'Poll_Response',
  'Subscription_Management_Response',
])

export function judgeAnswer({ status, headers, body }: HttpAnswer): Judged {
  const fault = (what: string): Judged => ({
    fault: `${what}: HTTP ${status}, ${body.subarray(0, 2_000)}`,
  })
  if (!httpStatuses.has(status)) return fault('this HTTP status is nobody else’s fault')
  if (headers['content-type']?.split(';')[0] !== 'application/xml') {
    if (status === 200) return fault('no TAXII message')
    return { outcome: `HTTP ${status}`, inResponseTo: undefined, message: '' }
  }
  let root: XmlElement
  try {
    root = readXml(body, { maxElements: 10_000_000 })
  } catch (error) {
    return fault(`the answer is not well-formed (${error})`)
  }
  const version = versionOf(root.namespace)
  if (!version) return fault('the answer is of no version of TAXII')
  if (!responses.has(root.name)) return fault('the answer is no response')
  for (const [name, what] of [
    ['x-taxii-content-type', 'message:xml'],
    ['x-taxii-services', 'services'],
  ] as const) {
    if (headers[name] !== `urn:taxii.mitre.org:${what}:${version}`) return fault(`${name} is wrong`)
  }
  const statusType = findAttribute(root, 'status_type')
  if (statusType === 'SUCCESS' && status !== 200) return fault('success by another HTTP status')
  const outcome = statusType ?? root.name
  return {
    outcome: status === 200 ? outcome : `HTTP ${status} ${outcome}`,
    inResponseTo: findAttribute(root, 'in_response_to'),
    message: root.children.find(({ name }) => name === 'Message')?.text ?? '',
  }
}

function versionOf(namespace: string): TaxiiVersion | undefined {
  if (namespace === namespaces['1.1']) return '1.1'
  return namespace === namespaces['1.0'] ? '1.0' : undefined
}
