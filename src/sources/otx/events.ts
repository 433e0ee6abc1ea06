import { UpstreamError } from '../../model/errors.ts'
import { readDate } from './dates.ts'
import { isJsonObject } from './json.ts'
import type { RecordPage } from './paging.ts'
import { legalLine } from './text.ts'

/** Something that happened to the subscriptions behind the key, or to what they lead to. */
export interface OtxEvent {
  readonly action: 'subscribe' | 'unsubscribe' | 'delete' | (string & {})
  readonly objectType: 'pulse' | 'user' | (string & {})
  readonly objectId: string
  readonly created: Date
}

const maxEvents = 200_000

/**
 * @returns the oldest first, each once
 * @throws UpstreamError when there are too many to be kept, or what the pages throw
 */
export async function readEvents(pages: AsyncIterable<RecordPage>): Promise<readonly OtxEvent[]> {
  // New ones shift the pages, so that some come twice.
  const events = new Map<string, OtxEvent>()
  for await (const { results } of pages) {
    for (const json of results) {
      const event = readEvent(json)
      if (event) events.set(JSON.stringify(event), event)
    }
    if (events.size > maxEvents) {
      const message = `OTX has more than ${maxEvents} events`
      throw new UpstreamError('OTX_TOO_MANY_EVENTS', message, false)
    }
  }
  return [...events.values()].sort((a, b) => a.created.getTime() - b.created.getTime())
}

function readEvent(json: unknown): OtxEvent | undefined {
  if (!isJsonObject(json)) return undefined
  const { action, object_type: type, object_id: id, created } = json
  if (typeof action !== 'string' || typeof type !== 'string') return undefined
  if (typeof created !== 'string') return undefined
  const date = readDate(created)
  if (typeof date === 'string') return undefined
  const objectId = typeof id === 'string' ? legalLine(id) : Number.isFinite(id) ? String(id) : ''
  if (objectId === '') return undefined
  const line = (text: string) => legalLine(text).toLowerCase()
  return { action: line(action), objectType: line(type), objectId, created: date }
}
