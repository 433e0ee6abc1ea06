import { findAttribute, type XmlElement } from '../../src/xml/read.ts'
import { childText, type TestServer } from './server.ts'

export const namespace10 = 'http://taxii.mitre.org/messages/taxii_xml_binding-1'
export const binding10 = 'urn:taxii.mitre.org:message:xml:1.0'
export const binding11 = 'urn:taxii.mitre.org:message:xml:1.1'

export const headers10: Record<string, string | undefined> = {
  'X-TAXII-Content-Type': binding10,
  'X-TAXII-Accept': binding10,
  'X-TAXII-Services': 'urn:taxii.mitre.org:services:1.0',
}

/** @param children with the prefix Q */
export function request10(name: string, attributes = '', children = ''): string {
  return `<Q:${name} xmlns:Q="${namespace10}" message_id="0042" ${attributes}>${children}</Q:${name}>`
}

export function poll10(children = '', attributes = 'feed_name="urls"'): string {
  return request10('Poll_Request', attributes, children)
}

/** @param headers undefined takes one away */
export function ask10(
  server: TestServer,
  body: string,
  headers: Record<string, string | undefined> = {},
) {
  return server.post(body, { headers: { ...headers10, ...headers } })
}

/** A Status_Message as one line: `UNSUPPORTED_CONTENT a b`. Anything else: its name. */
export function status10(root: XmlElement): string {
  const type = findAttribute(root, 'status_type')
  if (type === undefined) return root.name
  const detail = childText(root, 'Status_Detail')
  return detail === undefined ? type : `${type} ${detail}`
}
