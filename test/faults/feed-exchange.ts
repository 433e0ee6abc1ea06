import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
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
  const { patienceMs, slow, breakAfterBytes = Number.POSITIVE_INFINITY, agent } = manner
  const sent = request(`${url}/taxii/poll`, {
    method: 'POST',
    headers: taxiiHeaders(login),
    agent: agent ?? false,
  })
  let why: 'refused' | 'client' | 'timeout' | 'server' = 'server'
  const impatience = setTimeout(() => {
    why = 'timeout'
    sent.destroy()
  }, patienceMs)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    const response = await answerTo(sent, body)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      impatience.refresh()
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= breakAfterBytes) {
        why = 'client'
        // Also of an answer that is there to its end: this client has not taken it.
        throw new Error('broken off')
      }
      if (slow) {
        const { polls } = progress.counts
        await progress.until(() => progress.counts.polls > polls, 20)
        impatience.refresh()
      }
    }
    const text = Buffer.concat(chunks).toString()
    return { whole: true, httpStatus: response.statusCode ?? 0, text }
  } catch (error) {
    sent.destroy()
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') why = 'refused'
    return { whole: false, text: Buffer.concat(chunks).toString(), why }
  } finally {
    clearTimeout(impatience)
  }
}

function answerTo(sent: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Both stay for what comes later, which the body's reader is told too.
    sent.on('error', reject)
    sent.once('response', (response) => resolve(response.on('error', () => {})))
    sent.end(body)
  })
}
