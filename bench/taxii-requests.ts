import { type IncomingMessage, request } from 'node:http'
import { pollRequest as messageOf, taxiiHeaders } from '../test/helpers/poll.ts'

/** Named in every request, so that two servers choose the same blocks whatever else they hold. */
export const stix12 = 'urn:stix.mitre.org:xml:1.2'

/** A Poll_Request for the blocks after `begin` up to and including `end`, in full. */
export function pollRequest(collection: string, begin?: string, end?: string): string {
  return messageOf(collection, {
    binding: stix12,
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
  })
}

export function basicAuthorization(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

export interface PollTimes {
  /** from the request to the first byte of the body */
  readonly firstByteMs: number
  readonly totalMs: number
  readonly bytes: number
  readonly blocks: number
}

/** A server that is silent for so long will not answer any more. */
const maxSilenceMs = 900_000

/**
 * Polls on a connection of its own and counts what comes; nothing of it is kept.
 * @param authorization the value of that header
 * @throws when the answer is anything but a whole Poll_Response
 */
export function timePoll(url: string, authorization: string, body: string): Promise<PollTimes> {
  return new Promise((resolve, reject) => {
    const begin = performance.now()
    const sent = request(url, {
      method: 'POST',
      // Gunicorn's sync workers close every connection, so nobody is to gain by keeping one.
      agent: false,
      timeout: maxSilenceMs,
      headers: {
        ...taxiiHeaders({ name: '', password: '' }),
        Authorization: authorization,
        Accept: 'application/xml',
        'Content-Length': Buffer.byteLength(body),
      },
    })
    sent.on('error', reject)
    sent.once('timeout', () => sent.destroy(new Error(`no byte of ${url} in ${maxSilenceMs} ms`)))
    sent.once('response', (response) => {
      timeBody(response, begin).then(resolve, (error) => {
        response.destroy()
        reject(error)
      })
    })
    sent.end(body)
  })
}

async function timeBody(response: IncomingMessage, begin: number): Promise<PollTimes> {
  const counter = createBlockCounter()
  let firstByteMs: number | undefined
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    firstByteMs ??= performance.now() - begin
    bytes += chunk.length
    counter.add(chunk)
  }
  const totalMs = performance.now() - begin
  const { blocks, problem } = counter.end()
  if (response.statusCode !== 200 || problem !== undefined || firstByteMs === undefined) {
    throw new Error(`HTTP ${response.statusCode}: ${problem ?? 'no body'}`)
  }
  return { firstByteMs, totalMs, bytes, blocks }
}

/** So much of a response must hold its root element. */
const maxHeadBytes = 16_384

/** Counts the Content_Block elements of a Poll_Response, which may have any prefix. */
function createBlockCounter(): {
  add(chunk: Buffer): void
  /** `problem`: why this was no whole Poll_Response */
  end(): { readonly blocks: number; readonly problem: string | undefined }
} {
  let head: Buffer = Buffer.alloc(0)
  let opening: Buffer | undefined
  let closing = ''
  let rest: Buffer = head
  let blocks = 0

  function count(chunk: Buffer): void {
    if (!opening) return
    const text = Buffer.concat([rest, chunk])
    let at = text.indexOf(opening)
    let after = 0
    for (; at >= 0 && at + opening.length < text.length; at = text.indexOf(opening, after)) {
      // Content_Block_… of another name begins in the same way.
      if (endsName(text[at + opening.length] as number)) blocks += 1
      after = at + opening.length
    }
    // An element name cut in two is found in the next chunk, and the closing tag at the end.
    rest = text.subarray(Math.max(after, text.length - 128))
  }

  return {
    add(chunk) {
      if (opening) return count(chunk)
      if (head.length >= maxHeadBytes) return
      head = Buffer.concat([head, chunk])
      const found = /<([\w.-]+:)?Poll_Response[\s/>]/.exec(head.toString('latin1'))
      if (!found) return
      opening = Buffer.from(`<${found[1] ?? ''}Content_Block`)
      closing = `</${found[1] ?? ''}Poll_Response>`
      count(head)
    },
    end() {
      if (!opening) {
        return { blocks, problem: `no Poll_Response:\n${head.toString('utf8', 0, 2_000)}` }
      }
      const end = rest.toString('latin1').trimEnd()
      // An answer without blocks may be one empty element.
      const whole = end.endsWith(closing) || (blocks === 0 && end.endsWith('/>'))
      return { blocks, problem: whole ? undefined : 'the Poll_Response ends early' }
    },
  }
}

function endsName(byte: number): boolean {
  return [' ', '\t', '\r', '\n', '>', '/'].some((end) => end.charCodeAt(0) === byte)
}
