import type { Server } from 'node:http'
import Fastify from 'fastify'
import { type Connections, trackConnections } from '../../src/http/connections.ts'
import type { Ending } from '../../src/http/endings.ts'
import { type ConnectionLimits, defaultLimits } from '../../src/http/limits.ts'
import { boundedServer } from '../../src/http/server.ts'
import { taxiiRoutes } from '../../src/taxii/routes.ts'
import { findAttribute, readXml, type XmlElement } from '../../src/xml/read.ts'
import { identifyByPassword } from '../helpers/identify.ts'
import { createTestLog } from '../helpers/log.ts'
import { secret } from '../helpers/secrets.ts'
import { type MemoryFeed, memoryFeed, otherReader, reader } from './memory-feed.ts'

export const namespace = 'http://taxii.mitre.org/messages/taxii_xml_binding-1.1'
export const password = `${secret('password of esa1', { colons: true })} wörd`

export const taxiiHeaders: Record<string, string> = {
  'Content-Type': 'application/xml',
  Accept: 'application/xml',
  'X-TAXII-Content-Type': 'urn:taxii.mitre.org:message:xml:1.1',
  'X-TAXII-Accept': 'urn:taxii.mitre.org:message:xml:1.1',
  'X-TAXII-Services': 'urn:taxii.mitre.org:services:1.1',
  'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:http:1.0',
}

export function basic(name: string, secret: string, encoding: BufferEncoding = 'utf8'): string {
  return `Basic ${Buffer.from(`${name}:${secret}`, encoding).toString('base64')}`
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  readonly root: XmlElement
}

export interface TestServer {
  readonly url: string
  readonly port: number
  readonly feed: MemoryFeed
  readonly logged: { err?: unknown; message: string }[]
  /** every TAXII message that was answered to post() */
  readonly answers: string[]
  /** why connections were ended, and whose */
  readonly ended: { ending: Ending; address: string | undefined }[]
  readonly connections: Connections
  /** what listens */
  readonly server: Server
  close(): Promise<void>
  /** @param headers undefined takes one away */
  post(
    body: string | Uint8Array<ArrayBuffer>,
    options?: { path?: string; headers?: Record<string, string | undefined> },
  ): Promise<Answer>
}

interface Teardown {
  teardown(end: () => Promise<unknown>): void
}

export async function startServer(
  t: Teardown,
  options: {
    feed?: MemoryFeed
    publicUrl?: string
    maxTreeBytes?: number
    limits?: Partial<ConnectionLimits>
    trustedProxies?: readonly string[]
  } = {},
): Promise<TestServer> {
  const feed = options.feed ?? memoryFeed()
  const log = createTestLog()
  const logged: TestServer['logged'] = []
  const answers: string[] = []
  const ended: TestServer['ended'] = []
  const limits = { ...defaultLimits, ...options.limits }
  const onEnded = (ending: Ending, address: string | undefined) => ended.push({ ending, address })
  const bounded = boundedServer({ tls: undefined, limits, onEnded })
  const app = Fastify({
    forceCloseConnections: true,
    serverFactory: bounded.createServer,
    clientErrorHandler: bounded.onClientError,
  })
  const { trustedProxies = [] } = options
  const connections = trackConnections(app.server, { limits, trustedProxies, onEnded })
  app.register(taxiiRoutes, {
    feed,
    publicUrl: options.publicUrl,
    maxTreeBytes: options.maxTreeBytes,
    log: {
      info: (details, message) => log.info(details, message),
      error(details, message) {
        log.error(details, message)
        logged.push({ ...details, message })
      },
    },
    identify: identifyByPassword(async (name, secret) => {
      feed.beforeCall()
      return [reader, otherReader].find((one) => one.name === name && secret === password)
    }),
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())

  return {
    url,
    port: Number(new URL(url).port),
    feed,
    logged,
    answers,
    ended,
    connections,
    server: app.server,
    close: () => app.close(),
    async post(body, { path = '/taxii/poll', headers = {} } = {}) {
      const sent = new Headers()
      const all = { ...taxiiHeaders, Authorization: basic(reader.name, password), ...headers }
      for (const [name, value] of Object.entries(all))
        if (value !== undefined) sent.set(name, value)
      const response = await fetch(url + path, { method: 'POST', headers: sent, body })
      const text = await response.text()
      answers.push(text)
      const { status } = response
      return { status, headers: response.headers, body: text, root: readXml(Buffer.from(text)) }
    },
  }
}

export function request(name: string, attributes = '', children = ''): string {
  return `<t:${name} xmlns:t="${namespace}" message_id="m-1" ${attributes}>${children}</t:${name}>`
}

export const full = '<t:Poll_Parameters><t:Response_Type>FULL</t:Response_Type></t:Poll_Parameters>'
export const countOnly =
  '<t:Poll_Parameters><t:Response_Type>COUNT_ONLY</t:Response_Type></t:Poll_Parameters>'

export function pollRequest(children = full, collectionName = 'urls'): string {
  return request('Poll_Request', `collection_name="${collectionName}"`, children)
}

export function fulfillment(resultId: string, part: number | string, collectionName = 'urls') {
  const id = resultId.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
  return request(
    'Poll_Fulfillment',
    `collection_name="${collectionName}" result_id="${id}" result_part_number="${part}"`,
  )
}

export function child(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((one) => one.name === name)
}

export function childText(element: XmlElement, name: string): string | undefined {
  return child(element, name)?.text
}

/** A Status_Message as one line: `NOT_FOUND ITEM=x, …`. Anything else: its name. */
export function statusOf({ root }: Answer): string {
  const type = findAttribute(root, 'status_type')
  if (type === undefined) return root.name
  const details = (child(root, 'Status_Detail')?.children ?? []).map(
    (one) => `${findAttribute(one, 'name')}=${one.text}`,
  )
  return [type, ...details].join(' ')
}

/** The labels of a Poll_Response's blocks. */
export function labelsOf({ root }: Answer): (string | undefined)[] {
  return root.children
    .filter((one) => one.name === 'Content_Block')
    .map((one) => childText(one, 'Timestamp_Label'))
}
