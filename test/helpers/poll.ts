import { once } from 'node:events'
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { Readable } from 'node:stream'

export const namespace = 'http://taxii.mitre.org/messages/taxii_xml_binding-1.1'

export interface Login {
  readonly name: string
  readonly password: string
}

export interface PollOptions {
  readonly begin?: string
  readonly end?: string
  readonly binding?: string
  readonly responseType?: 'FULL' | 'COUNT_ONLY'
}

export function pollRequest(collection: string, options: PollOptions = {}): string {
  const { begin, end, binding, responseType = 'FULL' } = options
  const element = (name: string, text: string | undefined) =>
    text === undefined ? '' : `<${name}>${text}</${name}>`
  return (
    `<Poll_Request xmlns="${namespace}" message_id="1" collection_name="${collection}">` +
    element('Exclusive_Begin_Timestamp', begin) +
    element('Inclusive_End_Timestamp', end) +
    `<Poll_Parameters>${element('Response_Type', responseType)}` +
    (binding ? `<Content_Binding binding_id="${binding}"/>` : '') +
    '</Poll_Parameters></Poll_Request>'
  )
}

export function taxiiHeaders({ name, password }: Login): OutgoingHttpHeaders {
  return {
    Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
    'Content-Type': 'application/xml',
    'X-TAXII-Content-Type': 'urn:taxii.mitre.org:message:xml:1.1',
    'X-TAXII-Services': 'urn:taxii.mitre.org:services:1.1',
    'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:http:1.0',
  }
}

/**
 * Sends a message and stops reading as soon as the headers are there: a slow client, until its caller
 * goes on with `readBody`.
 * @param agent without it the connection is closed after the answer
 */
export function openPoll(
  url: string,
  login: Login,
  body: string,
  agent?: Agent,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/taxii/poll`, {
      method: 'POST',
      headers: taxiiHeaders(login),
      agent: agent ?? new Agent({ keepAlive: false }),
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      // A connection that is reset between two reads is reported by the body's reader.
      sent.off('error', reject).on('error', () => {})
      resolve(response.pause())
    })
    sent.end(body)
  })
}

/** Reads until what has come is enough, or the end, and no further. */
export async function readUntil(
  stream: Readable,
  enough: (text: string) => boolean,
): Promise<string> {
  let text = ''
  while (!enough(text) && !stream.readableEnded && !stream.destroyed) {
    const chunk: Buffer | null = stream.read()
    if (chunk) text += chunk
    else await readableOrClosed(stream)
  }
  return text
}

async function readableOrClosed(stream: Readable): Promise<void> {
  const over = new AbortController()
  const { signal } = over
  const first = Promise.race([
    once(stream, 'readable', { signal }),
    once(stream, 'close', { signal }),
  ])
  await first.finally(() => over.abort())
}

/** @returns what came, and the error that ended it early */
export async function readBody(
  response: IncomingMessage,
): Promise<{ readonly text: string; readonly error: Error | undefined }> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    return { text: Buffer.concat(chunks).toString(), error: undefined }
  } catch (error) {
    return { text: Buffer.concat(chunks).toString(), error: error as Error }
  }
}

export interface PollAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly error: Error | undefined
}

export async function poll(
  url: string,
  login: Login,
  collection: string,
  options: PollOptions = {},
): Promise<PollAnswer> {
  const response = await openPoll(url, login, pollRequest(collection, options))
  const { statusCode: status = 0, headers } = response
  return { status, headers, ...(await readBody(response)) }
}

/**
 * @param from the client's own address, such as 127.0.0.2
 * @returns the HTTP status with which these credentials are met
 */
export async function askAs(
  url: string,
  name: string,
  password: string,
  from?: string,
): Promise<number> {
  const message = `<Collection_Information_Request xmlns="${namespace}" message_id="1"/>`
  const agent = from === undefined ? undefined : new Agent({ localAddress: from })
  const response = await openPoll(url, { name, password }, message, agent)
  await readBody(response)
  return response.statusCode ?? 0
}

export const hasBlock = (text: string) => text.includes('<taxii_11:Content_Block>')
export const countBlocks = (text: string) => text.split('<taxii_11:Content_Block>').length - 1
export const isWhole = (text: string) => text.trimEnd().endsWith('</taxii_11:Poll_Response>')
