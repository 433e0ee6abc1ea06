import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { formatMicros } from '../../../src/model/micros.ts'
import { findAttribute, readXml, type XmlElement } from '../../../src/xml/read.ts'
import { escapeAttribute } from '../../../src/xml/write.ts'
import { playAnother } from '../../helpers/evidence.ts'
import { childText } from '../server.ts'

interface Teardown {
  teardown(end: () => Promise<unknown>): void
}

/** What came, and how to answer it. */
export interface Met {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly root: XmlElement
  readonly response: ServerResponse
  /** which request this is, from 1 */
  readonly number: number
}

export type Answering = (met: Met) => unknown

/** A server on this machine that answers as the test says, however wrong. */
export async function startRogueServer(t: Teardown, answer: Answering, tls?: ServerOptions) {
  const met: Met[] = []
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = Buffer.concat(pieces).toString()
    const one = {
      path: request.url ?? '',
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body,
      root: readXml(Buffer.from(body)),
      response,
      number: met.length + 1,
    }
    met.push(one)
    await answer(one)
  }
  const server = playAnother(tls ? createTlsServer(tls, listener) : createServer(listener))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { url: new URL(`${tls ? 'https' : 'http'}://127.0.0.1:${port}/taxii/poll`), port, met }
}

export const taxii = 'http://taxii.mitre.org/messages/taxii_xml_binding-1.1'

export const goodHeaders = {
  'Content-Type': 'application/xml',
  'X-TAXII-Content-Type': 'urn:taxii.mitre.org:message:xml:1.1',
  'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:http:1.0',
  'X-TAXII-Services': 'urn:taxii.mitre.org:services:1.1',
}

export function send(
  { response }: Met,
  body: string | Buffer,
  headers: Record<string, string> = {},
  status = 200,
): void {
  response.writeHead(status, { ...goodHeaders, ...headers }).end(body)
}

export const stix12 = 'urn:stix.mitre.org:xml:1.2'

/** A package as the profile `esa` has them, about one domain. */
export function domainPackage(domain: string, id = domain): string {
  return (
    '<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' +
    ' xmlns:indicator="http://stix.mitre.org/Indicator-2" xmlns:cybox="http://cybox.mitre.org/cybox-2"' +
    ' xmlns:stixVocabs="http://stix.mitre.org/default_vocabularies-1"' +
    ' xmlns:DomainNameObj="http://cybox.mitre.org/objects#DomainNameObject-1" xmlns:ex="http://example.org/"' +
    ` id="ex:Package-${id}" version="1.2" timestamp="2026-11-21T00:00:00Z"><stix:Indicators>` +
    `<stix:Indicator xsi:type="indicator:IndicatorType" id="ex:indicator-${id}" version="2.2" timestamp="2026-11-21T00:00:00Z">` +
    '<indicator:Type xsi:type="stixVocabs:IndicatorTypeVocab-1.1">Domain Watchlist</indicator:Type>' +
    `<indicator:Observable id="ex:Observable-${id}"><cybox:Object id="ex:Object-${id}">` +
    '<cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType" type="FQDN">' +
    `<DomainNameObj:Value condition="Equals">${domain}</DomainNameObj:Value>` +
    '</cybox:Properties></cybox:Object></indicator:Observable></stix:Indicator></stix:Indicators></stix:STIX_Package>'
  )
}

export function contentBlock(content: string, label: number | string | undefined): string {
  const written = typeof label === 'number' ? formatMicros(label) : label
  return (
    `<Content_Block><Content_Binding binding_id="${stix12}"/><Content>${content}</Content>` +
    `${written === undefined ? '' : `<Timestamp_Label>${written}</Timestamp_Label>`}</Content_Block>`
  )
}

export interface Written {
  readonly attributes?: string
  readonly collection?: string
  readonly begin?: string | undefined
  /** null: none */
  readonly end?: string | null
  readonly count?: number
  readonly blocks?: string
}

/** A right answer to a Poll_Request, but for what `written` makes wrong. */
export function pollResponse({ root }: Met, written: Written = {}): string {
  const collection = written.collection ?? findAttribute(root, 'collection_name')
  const begin = written.begin ?? childText(root, 'Exclusive_Begin_Timestamp')
  const end =
    written.end === null ? undefined : (written.end ?? childText(root, 'Inclusive_End_Timestamp'))
  return (
    `<Poll_Response xmlns="${taxii}" message_id="1" in_response_to="${findAttribute(root, 'message_id')}"` +
    ` collection_name="${escapeAttribute(collection ?? '')}" ${written.attributes ?? 'more="false"'}>` +
    `${begin ? `<Exclusive_Begin_Timestamp>${begin}</Exclusive_Begin_Timestamp>` : ''}` +
    `${end ? `<Inclusive_End_Timestamp>${end}</Inclusive_End_Timestamp>` : ''}` +
    `${written.count === undefined ? '' : `<Record_Count>${written.count}</Record_Count>`}` +
    `${written.blocks ?? ''}</Poll_Response>`
  )
}

export function statusMessage({ root }: Met, type: string, inside = ''): string {
  return (
    `<Status_Message xmlns="${taxii}" message_id="1" in_response_to="${findAttribute(root, 'message_id')}"` +
    ` status_type="${type}">${inside}</Status_Message>`
  )
}
