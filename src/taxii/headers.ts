import type { IncomingHttpHeaders } from 'node:http'
import type { MessageBinding } from './binding.ts'
import { messageBindings, protocolBindings, type Scheme, servicesVersion } from './messages.ts'
import { badMessage, failure, unsupportedMessage } from './refusal.ts'
import { servicesVersion10 } from './taxii10/identifiers.ts'

/** What every TAXII response carries, errors included: cabby rejects a response without them. */
export function responseHeaders(scheme: Scheme, binding: MessageBinding): Record<string, string> {
  return {
    'Content-Type': 'application/xml',
    'X-TAXII-Content-Type': binding.id,
    'X-TAXII-Protocol': protocolBindings[scheme],
    'X-TAXII-Services': binding.servicesVersion,
  }
}

/** The answer to OPTIONS, with lists as OpenTAXII writes them; its specification has no header for lists. */
export function optionsHeaders(scheme: Scheme): Record<string, string> {
  return {
    Allow: allowedMethods,
    'X-TAXII-Content-Types': messageBindings.join(','),
    'X-TAXII-Protocol': protocolBindings[scheme],
    'X-TAXII-Services': [servicesVersion, servicesVersion10].join(','),
  }
}

export const allowedMethods = 'POST, OPTIONS'

/**
 * Checks a request's headers against what this server speaks. Those that only narrow the answer
 * may be absent.
 * @param scheme that of the public URL: behind a proxy the socket's own says nothing
 * @param binding that of the message
 * @throws TaxiiRefusal
 */
export function checkRequestHeaders(
  headers: IncomingHttpHeaders,
  scheme: Scheme,
  binding: MessageBinding,
): void {
  if (!acceptsXml(headers.accept)) {
    throw unsupportedMessage(`Accept is "${headers.accept}"; answers are application/xml`, 406)
  }
  const contentType = header(headers, 'x-taxii-content-type')
  if (contentType !== binding.id) {
    throw badMessage(`X-TAXII-Content-Type must be ${binding.id}, ${seen(contentType)}`)
  }
  const services = header(headers, 'x-taxii-services')
  if (services !== undefined && services !== binding.servicesVersion) {
    throw failure(`X-TAXII-Services must be ${binding.servicesVersion}, ${seen(services)}`)
  }
  const protocol = header(headers, 'x-taxii-protocol')
  if (protocol !== undefined && protocol !== protocolBindings[scheme]) {
    const where = `as TAXIWAY_PUBLIC_URL, or else the connection, is ${scheme}`
    throw failure(
      `X-TAXII-Protocol must be ${protocolBindings[scheme]}, ${where}; ${seen(protocol)}`,
    )
  }
  const accept = header(headers, 'x-taxii-accept')
  if (accept !== undefined && !accept.split(/[\s,]+/).includes(binding.id)) {
    throw failure(`X-TAXII-Accept must name ${binding.id}, ${seen(accept)}`)
  }
}

/**
 * Compressed messages are refused: what they unfold to is not bounded by what was sent. To be called before the
 * message is read.
 * @throws TaxiiRefusal
 */
export function checkContentEncoding(headers: IncomingHttpHeaders): void {
  const encoding = header(headers, 'content-encoding')
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw unsupportedMessage(`Content-Encoding is "${encoding}"; send the message as it is`, 415)
}

/** @returns undefined also for an empty header */
function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return (Array.isArray(value) ? value.join(' ') : value)?.trim() || undefined
}

function seen(value: string | undefined): string {
  return value === undefined ? 'and is missing' : `not "${value}"`
}

const xmlRanges = new Set(['*/*', 'application/*', 'application/xml', 'text/xml', 'text/*'])

function acceptsXml(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.toLowerCase().split(';')
    const refused = parameters.some((parameter) => /^\s*q\s*=\s*0(\.0*)?\s*$/.test(parameter))
    return !refused && xmlRanges.has(type.trim())
  })
}

/** cabby, and what is built on it, asks for parts until one is empty, whatever `more` says. */
export function readsPastTheEnd(headers: IncomingHttpHeaders): boolean {
  return /\bcabby\b/i.test(headers['user-agent'] ?? '')
}

/** An XML media type in a charset that readXml can recognise. */
export const xmlContentType =
  /^\s*(application|text)\/xml\s*(;\s*charset\s*=\s*"?(utf-?8|utf-16|us-ascii)"?\s*)?;?\s*$/i

// Of somebody unknown no more is read. Every request that TAXII has without content is far smaller.
const maxStrangersBytes = 16_384

/** Whether so little is announced that it is read for whoever asks. */
export function isSmallXml(headers: IncomingHttpHeaders): boolean {
  const bytes = Number(headers['content-length'] ?? Number.NaN)
  return bytes <= maxStrangersBytes && xmlContentType.test(headers['content-type'] ?? '')
}
