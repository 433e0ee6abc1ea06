import { Readable } from 'node:stream'
import type { Micros } from '../model/micros.ts'
import type { MessageBinding } from './binding.ts'
import type { PollResponse } from './messages.ts'
import type { Sending } from './sending.ts'

const chunkCharacters = 65_536

/**
 * The bytes of a Poll_Response, read from the store no faster than the client takes them. The head
 * goes out at once. When the store fails, the stream is destroyed without its end, so that what the
 * client has got is not well-formed and cannot pass for the whole.
 * @param sending is told of each chunk; chunks hold whole blocks
 */
export function pollResponseStream(
  response: PollResponse,
  binding: MessageBinding,
  sending?: Sending,
): Readable {
  return Readable.from(chunks(response, binding, sending), {
    objectMode: false,
    highWaterMark: chunkCharacters,
  })
}

async function* chunks(
  response: PollResponse,
  binding: MessageBinding,
  sending: Sending | undefined,
): AsyncGenerator<Buffer> {
  let pending: string[] = [binding.pollHead(response)]
  let characters = 0
  let blocks = 0
  let lastLabel: Micros | undefined
  const take = () => {
    const chunk = Buffer.from(pending.join(''))
    sending?.made({ bytes: chunk.length, blocks, lastLabel })
    pending = []
    characters = 0
    blocks = 0
    lastLabel = undefined
    return chunk
  }
  yield take()
  for await (const batch of response.blocks ?? []) {
    for (const block of batch) {
      const rendered = binding.pollBlock(block, response)
      pending.push(rendered)
      characters += rendered.length
      blocks += 1
      lastLabel = block.label
      if (characters >= chunkCharacters) yield take()
    }
  }
  pending.push(binding.pollTail())
  const last = take()
  sending?.madeAll()
  yield last
}
