/** Sends one kind of request as fast as it is answered, from a process of its own: see taxii.ts. */
import { type IncomingMessage, request } from 'node:http'
import { taxiiHeaders } from '../test/helpers/poll.ts'
import { inboxMessage } from './taxii-messages.ts'

export interface Load {
  readonly url: string
  /** the value of that header */
  readonly authorization: string
  /** the same message each time, or Inbox_Messages of so many blocks, of which no two are alike */
  readonly message: string | { readonly inboxOf: number; readonly collection: string }
  /** must stand in each answer, and in none this beside */
  readonly expected: string
  readonly unexpected?: string
  /** how many wait for their answer at any time */
  readonly clients: number
  readonly seconds: number
}

export interface Loaded {
  readonly answers: number
  readonly seconds: number
}

async function run(load: Load): Promise<Loaded> {
  const begin = performance.now()
  const elapsed = () => (performance.now() - begin) / 1_000
  let answers = 0
  const client = async () => {
    while (elapsed() < load.seconds) {
      const { message } = load
      const body =
        typeof message === 'string' ? message : inboxMessage(message.collection, message.inboxOf)
      const { status, text } = await post(load, body)
      const { expected, unexpected } = load
      const isOdd = unexpected !== undefined && text.includes(unexpected)
      if (status !== 200 || isOdd || !text.includes(expected)) {
        throw new Error(`${load.url} answers ${status}: ${text.slice(0, 1_000)}`)
      }
      answers += 1
    }
  }
  await Promise.all(Array.from({ length: load.clients }, client))
  return { answers, seconds: elapsed() }
}

/** On a connection of its own: gunicorn's sync workers close each, so nobody is to gain by keeping one. */
function post({ url, authorization }: Load, body: string) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = {
      ...taxiiHeaders({ name: '', password: '' }),
      Authorization: authorization,
      Accept: 'application/xml',
      'X-TAXII-Accept': 'urn:taxii.mitre.org:message:xml:1.1',
      'Content-Length': Buffer.byteLength(body),
    }
    const sent = request(url, { method: 'POST', agent: false, headers })
    sent.once('error', reject)
    sent.once('response', async (response: IncomingMessage) => {
      let text = ''
      try {
        for await (const piece of response.setEncoding('utf8')) text += piece
        resolve({ status: response.statusCode ?? 0, text })
      } catch (error) {
        reject(error)
      }
    })
    sent.end(body)
  })
}

process.on('message', (load: Load) => {
  run(load).then(
    (loaded) => process.send?.(loaded),
    (error: Error) => {
      console.error(error)
      process.exit(1)
    },
  )
})
