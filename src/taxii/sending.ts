import type { ServerResponse } from 'node:http'
import type { Micros } from '../model/micros.ts'

/** A piece of a body as it was made: where it ends, and the blocks that end in it. */
export interface Piece {
  readonly bytes: number
  readonly blocks: number
  /** the label of its last block; undefined when it has none */
  readonly lastLabel: Micros | undefined
}

/** What the operating system took of a response; the fields are those of PollOutcome. */
export interface Sent {
  readonly status: 'complete' | 'broken off'
  readonly blocks: number
  readonly bytes: number
  readonly sentThrough: Micros | undefined
  readonly leftThrough: Micros | undefined
}

export interface Sending {
  /** To be called for each piece before it is written. */
  made(piece: Piece): void
  /** To be called when the last piece is made. */
  madeAll(): void
}

/**
 * Follows a response's body until it is sent or its connection has ended. What is written may wait in
 * buffers of ours for ever when a client stops reading: only the callback of a write says that the operating
 * system has taken it. Of what it has not confirmed it may have taken a part.
 * @param onEnd is called once
 */
export function followSending(response: ServerResponse, onEnd: (sent: Sent) => void): Sending {
  // Made and not known to be taken whole; few, since making waits for the client.
  const pieces: { readonly end: number; readonly piece: Piece }[] = []
  let made = 0
  let whole = false
  let written = 0
  let taken = 0
  let blocks = 0
  let sentThrough: Micros | undefined
  let leftThrough: Micros | undefined
  let over = false

  const write = response.write
  // What is piped into the response comes by here.
  response.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
    const onTaken = rest.at(-1)
    written += chunk.length
    for (const { end, piece } of pieces) {
      if (end - piece.bytes < written) leftThrough = piece.lastLabel ?? leftThrough
    }
    return Reflect.apply(write, response, [
      chunk,
      (error?: Error | null) => {
        if (!error) take(chunk.length)
        if (typeof onTaken === 'function') onTaken(error)
      },
    ])
  }) as typeof write

  function take(bytes: number): void {
    taken += bytes
    for (let [first] = pieces; first && first.end <= taken; [first] = pieces) {
      blocks += first.piece.blocks
      sentThrough = first.piece.lastLabel ?? sentThrough
      pieces.shift()
    }
  }

  const { socket } = response
  function end(): void {
    if (over) return
    over = true
    response.off('close', end)
    socket?.off('close', end)
    // 'finish' is no proof: it comes too when the connection is destroyed with writes outstanding.
    const status = whole && taken === made ? 'complete' : 'broken off'
    onEnd({ status, blocks, bytes: taken, sentThrough, leftThrough })
  }
  response.once('close', end)
  // A response that waits behind another on its connection does not close with it.
  socket?.once('close', end)
  if (response.closed || response.destroyed || socket?.destroyed) end()

  return {
    made(piece) {
      made += piece.bytes
      pieces.push({ end: made, piece })
    },
    madeAll() {
      whole = true
    },
  }
}
