import { createHash } from 'node:crypto'
import type { Account } from '../../src/model/account.ts'
import type { FeedBlock } from '../../src/model/feed.ts'
import type { PollOutcome } from '../../src/model/ledger.ts'
import type { Micros } from '../../src/model/micros.ts'
import type { Feed } from '../../src/taxii/feed.ts'
import type { Ledger } from '../../src/taxii/ledger.ts'
import type { PollResponse } from '../../src/taxii/messages.ts'
import { poll } from '../../src/taxii/poll.ts'
import { TaxiiRefusal } from '../../src/taxii/refusal.ts'
import { fulfil } from '../../src/taxii/result-set.ts'
import { createJournal, type FixedPoll, type Journal } from './journal.ts'
import type { Model } from './model.ts'
import { bindings, type PollerPlan, streams } from './program.ts'
import type { Served } from './served.ts'

/** Answers messages as a server does; a mutation may stand in for it. */
export interface Service {
  readonly poll: typeof poll
  readonly fulfil: typeof fulfil
}

export const service: Service = { poll, fulfil }

/** What a client remembers, also over the death of the server that it was talking to. */
export interface Client {
  readonly name: string
  readonly plan: PollerPlan
  readonly account: Account
  readonly journal: Journal
  /** where its next poll begins */
  begin: Micros | undefined
  /** a poll in parts that is not finished */
  pending: Pending | undefined
}

interface Pending {
  readonly poll: FixedPoll
  readonly asked: { begin?: Micros; end?: Micros }
  readonly resultId: string
  next: number
  /** the part that it asks for again, until it has been answered */
  again: number | undefined
}

export function createClient(
  name: string,
  plan: PollerPlan,
  account: Account,
  model: Model,
  served: Served,
): Client {
  const stream = streams[plan.stream] as (typeof streams)[number]
  const journal = createJournal(name, stream, model, served, md5)
  return { name, plan, account, journal, begin: undefined, pending: undefined }
}

/** A client together with the server process that it talks to just now. */
export interface Connection {
  readonly client: Client
  readonly feed: Feed
  readonly service: Service
  /** the client's own clock */
  readonly now: () => Micros
  /** the furthest that the database's clock has come */
  readonly readClock: () => Promise<Micros>
  /** Lets others go on while the client takes its time. */
  readonly pause: (what: string) => Promise<void>
}

type Exchange = PollerPlan['polls'][number]

const plain: Exchange = { peeks: false, replays: [], end: 'whole' }

/** Polls once, to the last part; goes on with a poll that was cut short. */
export async function pollOnce(connection: Connection, exchange: Exchange = plain): Promise<void> {
  const { client, feed } = connection
  const outcomes: PollOutcome[] = []
  const ledger: Ledger = {
    complete: (outcome) => outcomes.push(outcome),
    settle: async () => {},
  }
  const talk: Talk = { ...connection, exchange, ledger, outcomes }
  if (client.pending) {
    await fetchParts(talk, client.pending)
    return
  }
  const asked = request(client, connection.now())
  if (!asked) return
  if (exchange.peeks) await ask(talk, asked, 'COUNT_ONLY')
  // A client that loses an answer asks again, by a later clock.
  if (exchange.end !== 'whole') {
    await ask(talk, asked, 'FULL')
    if (outcomes.length > 0) await feed.completePolls(outcomes.splice(0))
    const again = request(client, connection.now())
    if (again) await ask({ ...talk, exchange: plain }, again, 'FULL')
    return
  }
  await ask(talk, asked, 'FULL')
}

interface Talk extends Connection {
  readonly exchange: Exchange
  readonly ledger: Ledger
  readonly outcomes: PollOutcome[]
}

interface Window {
  begin?: Micros
  end?: Micros
}

/** @returns undefined while its clock has not passed where it goes on from */
function request({ plan, begin }: Client, now: Micros): Window | undefined {
  const window: Window = {}
  if (begin !== undefined) window.begin = begin
  if (plan.asksEnd || plan.goesOnFrom === 'asked') window.end = now
  if (window.begin !== undefined && window.end !== undefined && window.begin >= window.end) return
  return window
}

async function ask(talk: Talk, window: Window, responseType: 'FULL' | 'COUNT_ONLY') {
  const { client, exchange } = talk
  const { journal, plan } = client
  const { collection, binding } = streams[plan.stream] as (typeof streams)[number]
  const whole = responseType === 'FULL'
  let fixed: FixedPoll | undefined
  await talk.pause(`asks for ${responseType} (${window.begin ?? ''}, ${window.end ?? ''}]`)
  const asked = journal.ask()
  // What the database fixes is told to the model before anybody else goes on.
  const feed: Feed = {
    ...talk.feed,
    fixRange: async (...args) => {
      const found = await talk.feed.fixRange(...args)
      // Nobody else goes on meanwhile; an end that was not asked for is a clock's in any case.
      const settled = found.range.end === window.end ? await talk.readClock() : undefined
      fixed = journal.fix(asked, found.range, window, settled)
      return found
    },
    createResultSet: async (account, snapshot, range, pageSize) => {
      const set = await talk.feed.createResultSet(account, snapshot, range, pageSize)
      if (fixed && set.partEnds.length > 1) fixed.pageSize = pageSize
      return set
    },
  }
  let response: PollResponse
  try {
    response = await talk.service.poll(
      feed,
      poller(client),
      {
        type: 'Poll_Request',
        version: '1.1',
        messageId: '1',
        collectionName: collection,
        exclusiveBeginTimestamp: window.begin,
        inclusiveEndTimestamp: window.end,
        by: {
          pollParameters: {
            allowAsynch: false,
            responseType,
            contentBindings: [{ bindingId: bindings[binding - 1] as string, subtypeIds: [] }],
            queryFormatId: undefined,
            deliveryParameters: undefined,
          },
        },
      },
      talk.ledger,
    )
  } catch (error) {
    // The settings have taken the binding away for the time being.
    if (error instanceof TaxiiRefusal && !fixed) return
    throw error
  }
  if (!fixed) throw new Error('nothing was fixed')
  journal.count(fixed, response.recordCount)
  const blocks = await read(talk, response, whole ? exchange.end : 'whole')
  if (!whole) {
    journal.counts.peeks += 1
    return
  }
  if (!blocks) return
  const { part } = response
  const more = part?.more ?? false
  journal.answer(fixed, asked, { ...response, blocks, part: 1, more }, false)
  // It was right, which the client does not come to know.
  if (exchange.end === 'lost') return
  if (part?.more) {
    client.pending = {
      poll: fixed,
      asked: window,
      resultId: part.resultId,
      next: 2,
      again: undefined,
    }
    await fetchParts(talk, client.pending)
  } else {
    finish(client, fixed, window, response.range.end)
  }
}

async function fetchParts(talk: Talk, pending: Pending) {
  const { client, exchange } = talk
  for (;;) {
    // What it asks for again it has given up: it does not go on before it has that anew.
    if (pending.again !== undefined) {
      await fetchPart(talk, pending, pending.again, true)
      pending.again = undefined
    }
    const wanted = pending.next
    const { part, range, blocks } = await fetchPart(talk, pending, wanted, false)
    pending.next = wanted + 1
    const ended = client.plan.readsPastTheEnd ? blocks.length === 0 : !part.more
    if (ended) {
      finish(client, pending.poll, pending.asked, range.end)
      return
    }
    const again = exchange.replays[wanted - 2]
    if (again !== undefined) pending.again = 1 + (again % wanted)
  }
}

async function fetchPart(talk: Talk, pending: Pending, number: number, replay: boolean) {
  const { client } = talk
  const { journal, plan } = client
  await talk.pause(`asks for part ${number}${replay ? ' again' : ''}`)
  const asked = journal.ask()
  const { collection } = streams[plan.stream] as (typeof streams)[number]
  const response = await talk.service.fulfil(
    talk.feed,
    poller(client),
    {
      type: 'Poll_Fulfillment',
      messageId: '1',
      collectionName: collection,
      resultId: pending.resultId,
      resultPartNumber: number,
    },
    plan.readsPastTheEnd,
    talk.ledger,
  )
  const { part, range } = response
  if (!part) throw new Error('a part is none')
  const blocks = (await read(talk, response, 'whole')) ?? []
  const answer = { ...response, blocks, part: number, more: part.more }
  journal.answer(pending.poll, asked, answer, replay)
  return { part, range, blocks }
}

/** @returns undefined when the client breaks off; after that nothing of it counts */
async function read(
  { pause, outcomes, feed }: Talk,
  { blocks, entry, range }: PollResponse,
  end: Exchange['end'],
): Promise<readonly FeedBlock[] | undefined> {
  const read: FeedBlock[] = []
  let broken = false
  for await (const batch of blocks ?? []) {
    if (end === 'broken off') {
      broken = true
      break
    }
    read.push(...batch)
    await pause(`has read to ${range.end}`)
  }
  const last = read.at(-1)?.label
  if (entry) {
    outcomes.push({
      pollId: entry.pollId,
      status: broken ? 'broken off' : 'complete',
      durationMs: 1,
      blocks: read.length,
      bytes: read.length,
      sentThrough: last,
      leftThrough: last,
    })
    await feed.completePolls(outcomes.splice(0))
  }
  return broken ? undefined : read
}

function finish(client: Client, fixed: FixedPoll, asked: Window, answeredEnd: Micros) {
  const { plan, journal } = client
  journal.finish(fixed, plan.wholeSeconds)
  client.pending = undefined
  const end = plan.goesOnFrom === 'asked' ? (asked.end as Micros) : answeredEnd
  client.begin = plan.wholeSeconds ? Math.floor(end / 1_000_000) * 1_000_000 : end
}

function poller({ account, name }: Client) {
  return { account, address: '192.0.2.1', userAgent: name }
}

function md5(content: string): string {
  return createHash('md5').update(content).digest('hex')
}
