import { type Agent, type IncomingMessage, request } from 'node:http'
import { type Login, namespace, taxiiHeaders } from '../helpers/poll.ts'
import type { Progress } from './feed-progress.ts'

/** How a client behaves during one answer. */
export interface Manner {
  /** gives up when nothing has come for so long, as from a server that is frozen */
  readonly patienceMs: number
  /** reads on only when others have got on meanwhile */
  readonly slow: boolean
  /** breaks the connection off once so many bytes have come */
  readonly breakAfterBytes: number | undefined
  readonly agent: Agent | undefined
}

export type Exchange =
  /** it ended as HTTP says that it does */
  | { readonly whole: true; readonly httpStatus: number; readonly text: string }
  | {
      readonly whole: false
      readonly text: string
      readonly why: 'refused' | 'client' | 'timeout' | 'server'
    }

export function fulfillmentRequest(collection: string, resultId: string, part: number): string {
  return (
    `<Poll_Fulfillment xmlns="${namespace}" message_id="1" collection_name="${collection}"` +
    ` result_id="${resultId}" result_part_number="${part}"/>`
  )
}

export async function exchange(
  url: string,
  login: Login,
  body: string,
  manner: Manner,
  progress: Progress,
): Promise<Exchange> {
  const over = new AbortController()
  let why: 'refused' | 'client' | 'timeout' | 'server' = 'server'
  const giveUp = (reason: 'client' | 'timeout') => {
    why = reason
    over.abort()
  }
  const impatience = setTimeout(() => giveUp('timeout'), manner.patienceMs)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    const response = await send(url, login, body, manner.agent, over.signal)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      impatience.refresh()
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= (manner.breakAfterBytes ?? Number.POSITIVE_INFINITY)) giveUp('client')
      if (manner.slow) {
        const { polls } = progress.counts
        await progress.until(() => progress.counts.polls > polls, 20)
        impatience.refresh()
      }
    }
    const text = Buffer.concat(chunks).toString()
    return { whole: true, httpStatus: response.statusCode ?? 0, text }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') why = 'refused'
    return { whole: false, text: Buffer.concat(chunks).toString(), why }
  } finally {
    clearTimeout(impatience)
  }
}

function send(
  url: string,
  login: Login,
  body: string,
  agent: Agent | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/taxii/poll`, {
      method: 'POST',
      headers: taxiiHeaders(login),
      agent: agent ?? false,
      signal,
    })
    // Stays for what comes after the response has begun, which the body's reader is told too.
    sent.on('error', reject).once('response', (response) => {
      resolve(response.on('error', () => {}))
    })
    sent.end(body)
  })
}
