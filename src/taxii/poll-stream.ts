import { Readable } from 'node:stream'
import type { PollResponse } from './messages.ts'
import { contentBlock, pollResponseHead, pollResponseTail } from './render.ts'

const chunkCharacters = 65_536

/**
 * The bytes of a Poll_Response, read from the store no faster than the client takes them. The head
 * goes out at once. When the store fails, the stream is destroyed without its end, so that what the
 * client has got is not well-formed and cannot pass for the whole.
 */
export function pollResponseStream(response: PollResponse): Readable {
  return Readable.from(chunks(response), { objectMode: false, highWaterMark: chunkCharacters })
}

async function* chunks(response: PollResponse): AsyncGenerator<Buffer> {
  yield Buffer.from(pollResponseHead(response))
  let pending: string[] = []
  let characters = 0
  for await (const batch of response.blocks ?? []) {
    for (const block of batch) {
      const rendered = contentBlock(block, response.contentBinding)
      pending.push(rendered)
      characters += rendered.length
      if (characters >= chunkCharacters) {
        yield Buffer.from(pending.join(''))
        pending = []
        characters = 0
      }
    }
  }
  pending.push(pollResponseTail())
  yield Buffer.from(pending.join(''))
}
