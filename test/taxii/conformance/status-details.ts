import { findAttribute, type XmlElement } from '../../../src/xml/read.ts'
import { child } from '../server.ts'

/** Details by status type, each with what its value looks like and whether it must be there. */
const known: Readonly<Record<string, Readonly<Record<string, readonly [RegExp, boolean]>>>> = {
  SUCCESS: {},
  FAILURE: {},
  BAD_MESSAGE: {},
  DENIED: {},
  UNAUTHORIZED: {},
  POLLING_UNSUPPORTED: {},
  NETWORK_ERROR: {},
  ASYNCHRONOUS_POLL_ERROR: {},
  DESTINATION_COLLECTION_ERROR: { ACCEPTABLE_DESTINATION: [/./, false] },
  NOT_FOUND: { ITEM: [/./, false] },
  RETRY: { ESTIMATED_WAIT: [/^[1-9]\d*$/, false] },
  INVALID_RESPONSE_PART: { MAX_PART_NUMBER: [/^[1-9]\d*$/, true] },
  PENDING: {
    ESTIMATED_WAIT: [/^[1-9]\d*$/, true],
    RESULT_ID: [/./, true],
    WILL_PUSH: [/^(true|false)$/, true],
  },
  UNSUPPORTED_MESSAGE: { SUPPORTED_BINDING: [/^urn:/, false] },
  UNSUPPORTED_CONTENT: { SUPPORTED_CONTENT: [/^urn:/, false] },
  UNSUPPORTED_PROTOCOL: { SUPPORTED_PROTOCOL: [/^urn:/, false] },
  UNSUPPORTED_QUERY: { SUPPORTED_QUERY: [/^urn:/, false] },
}

/** What is wrong with a Status_Message's type and details. */
export function statusDetails(root: XmlElement): readonly string[] {
  const type = findAttribute(root, 'status_type') ?? ''
  const details = known[type]
  if (!details) return [`the status type ${type} is unknown`]
  const found = child(root, 'Status_Detail')?.children ?? []
  const names = new Set(found.map((one) => findAttribute(one, 'name')))
  const missing = Object.entries(details)
    .filter(([name, [, required]]) => required && !names.has(name))
    .map(([name]) => `${type} lacks ${name}`)
  const wrong = found.flatMap((one) => {
    const name = findAttribute(one, 'name') ?? ''
    return details[name]?.[0].test(one.text) ? [] : [`${type} has ${name} "${one.text}"`]
  })
  return [...missing, ...wrong]
}
