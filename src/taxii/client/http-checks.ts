import { messageBinding } from '../messages.ts'
import { PollFault } from './fault.ts'
import type { HttpAnswer } from './http.ts'
import { readAnswer, type StatusAnswer } from './response.ts'
import { cutText } from './server-text.ts'
import { statusText } from './status-fault.ts'
import type { Warn } from './warnings.ts'

/**
 * @returns where a redirect leads that keeps the POST, and the password with its server; undefined: no redirect
 * @throws PollFault redirect, for every other one
 */
export function redirectTarget({ status, headers }: HttpAnswer, url: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined
  const location = String(headers.location ?? '')
  const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined
  if (!target || location === '') {
    throw new PollFault('redirect', `HTTP ${status} leads elsewhere and does not say where`)
  }
  // A server may put a password there, and would see it printed.
  target.username = ''
  target.password = ''
  if (status < 307) {
    throw new PollFault(
      'redirect',
      `HTTP ${status} leads to ${cutText(target.href)}, where the request would come as a GET without its message`,
      { advice: [`use the address ${cutText(target.href)}, here and in the device`] },
    )
  }
  if (target.origin !== url.origin) {
    throw new PollFault(
      'redirect',
      `HTTP ${status} leads to another server, ${cutText(target.href)}, to which the password is not sent`,
      {
        advice: [
          `if that is the right one, use the address ${cutText(target.href)}, here and in the device`,
        ],
      },
    )
  }
  return target
}

/** What an answer outside of 2xx says. */
export async function statusFault(response: HttpAnswer, url: URL): Promise<PollFault> {
  const { status, headers } = response
  const said = await findStatusMessage(response)
  const words = said ? `: ${statusText(said)}` : ''
  const message = `HTTP ${status}${words}`
  switch (status) {
    case 401:
    case 403:
      return new PollFault('unauthorized', message, {
        advice: [
          headers['www-authenticate'] !== undefined &&
          !/\bbasic\b/i.test(String(headers['www-authenticate']))
            ? `the server wants another way than Basic: ${cutText(String(headers['www-authenticate']))}`
            : 'check the user name and the password, and that this account may poll the collection',
          'on Taxiway: taxiway account list, taxiway account passwd NAME',
        ],
      })
    case 404:
      return new PollFault('http-status', message, {
        advice: [`check the path, ${url.pathname}, and the port: no service answers there`],
      })
    case 405:
      return new PollFault('http-status', message, {
        advice: [`check the path, ${url.pathname}: what answers there takes no POST`],
      })
    case 400:
      return new PollFault('http-status', message, {
        advice: [
          url.protocol === 'https:'
            ? 'some servers answer so when they demand a client certificate: --cert FILE --key FILE'
            : 'a port that speaks https answers so when it is asked by http: check the address',
        ],
      })
    case 429: {
      const wait = String(headers['retry-after'] ?? '')
      return new PollFault('http-status', message, {
        retryable: true,
        advice: [
          `wait ${/^\d{1,6}$/.test(wait) ? `${wait} s` : 'some minutes'}, then check the user name and the password: who sends wrong ones is slowed so, and right ones are not looked at meanwhile`,
        ],
      })
    }
    default:
      return new PollFault('http-status', message, {
        retryable: status >= 500 || status === 408,
        advice: [
          status >= 500
            ? 'look into the log of the server, and of the proxy before it, at this moment'
            : 'look into the log of the server: it refuses the request',
        ],
      })
  }
}

const maxRefusalBytes = 65_536

async function findStatusMessage(response: HttpAnswer): Promise<StatusAnswer | undefined> {
  try {
    const { bytes } = await readStart(response, maxRefusalBytes)
    const answer = await readAnswer(once(bytes), {}, () => {})
    return answer.type === 'Status_Message' ? answer : undefined
  } catch (error) {
    // Whatever else a proxy or a framework says there has no form to be read by.
    if (error instanceof PollFault) return undefined
    throw error
  }
}

/**
 * Looks at the headers as strictly as cabby does.
 * @throws PollFault not-taxii
 */
export async function checkHeaders(response: HttpAnswer, warn: Warn): Promise<void> {
  const { headers } = response
  const contentType = String(headers['content-type'] ?? '')
  const taxiiType = headers['x-taxii-content-type']
  if (taxiiType === undefined) {
    const { bytes } = await readStart(response, 4096)
    const what = nameContent(Buffer.from(bytes).toString('utf8'), contentType)
    throw new PollFault('not-taxii', `${what} without the header X-TAXII-Content-Type`, {
      advice: [
        'the device drops such an answer unread',
        /TAXII/.test(what)
          ? 'see whether a proxy before the server takes headers away'
          : 'check the path and the port: what answers there is no TAXII service',
      ],
    })
  }
  if (taxiiType !== messageBinding) {
    throw new PollFault(
      'not-taxii',
      `the answer is in ${cutText(String(taxiiType))}, not in ${messageBinding}`,
      {
        advice: ['look for the address of the server’s TAXII 1.1 service'],
      },
    )
  }
  if (!/^(application|text)\/xml\s*(;|$)/i.test(contentType.trim())) {
    warn({
      rule: 'content-type',
      text: 'the Content-Type is not application/xml; strict clients refuse the answer',
      where: contentType === '' ? 'there is none' : contentType,
    })
  }
  for (const name of ['x-taxii-services', 'x-taxii-protocol']) {
    if (headers[name] === undefined) {
      warn({
        rule: 'taxii-headers',
        text: 'a header that TAXII 1.1 asks for in every answer is missing',
        where: name,
      })
    }
  }
}

function nameContent(start: string, contentType: string): string {
  const text = start.replace(/^\ufeff/, '').trimStart()
  if (text === '') return 'the answer is empty, and comes'
  if (/^(<!doctype html|<html)/i.test(text) || /text\/html/i.test(contentType)) {
    const title = /<title[^>]*>\s*([^<]{1,100})/i.exec(text)?.[1]?.trim()
    return `the answer is a web page${title ? ` (“${title}”)` : ''}, and comes`
  }
  if (/^[[{]/.test(text)) return 'the answer is JSON, such as TAXII 2 speaks, and comes'
  if (/taxii_xml_binding-1\.1/.test(text)) return 'the answer is a TAXII message, but comes'
  return 'the answer comes'
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Reads no more than so many bytes, and drops the rest. */
async function readStart(response: HttpAnswer, maxBytes: number) {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of response.body) {
    pieces.push(piece)
    length += piece.length
    if (length >= maxBytes) break
  }
  response.drop()
  return { bytes: Buffer.concat(pieces) }
}
