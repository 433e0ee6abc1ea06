import { Agent } from 'node:http'
import type { Login } from '../helpers/poll.ts'
import {
  type BrokenAnswer,
  type PollAnswer,
  readAnswer,
  readBroken,
  type SeenBlock,
  type StatusAnswer,
} from './feed-answer.ts'
import { exchange } from './feed-exchange.ts'
import type { Server } from './feed-fleet.ts'
import type { Progress } from './feed-progress.ts'
import type { Random } from './feed-random.ts'
import type { RecallBook } from './feed-recalls.ts'

export interface ClientPlan {
  readonly login: Login
  readonly collection: string
  readonly binding: string
  readonly slow?: boolean
  readonly keepsAlive?: boolean
}

/** What all clients have in common. */
export interface Surroundings {
  readonly servers: readonly Server[]
  readonly progress: Progress
  readonly recalls: RecallBook
  /** each block's content as it was first seen, by stream and label */
  readonly contents: Map<string, string>
  readonly random: Random
}

/** A TAXII client that asks one server after the other and holds each answer to what holds for every one. */
export interface Client {
  /** Asks a server that is up, once. */
  attempt(body: string): Promise<PollAnswer | StatusAnswer | BrokenAnswer>
  /** Ends the run. */
  fail(what: string): void
  close(): void
}

/** Another has found a fault: nobody goes on. */
export class RunIsOver extends Error {}

const patienceMs = 2_000
const broken = {
  refused: 'refused connections',
  client: 'broken by the client',
  timeout: 'timeouts',
  server: 'broken answers',
} as const

export function createClient(plan: ClientPlan, around: Surroundings): Client {
  const { servers, progress, recalls, contents, random } = around
  const { login, collection, binding } = plan
  const agent = plan.keepsAlive ? new Agent({ keepAlive: true }) : undefined
  let turn = random.below(servers.length)

  async function attempt(body: string) {
    if (progress.faults.length > 0) throw new RunIsOver('the run is over')
    const before = recalls.standing
    const got = await exchange(await nextUrl(), login, body, chooseManner(), progress)
    progress.add('polls')
    if (!got.whole) progress.add(broken[got.why])
    const answer = got.whole ? readWhole(got.text) : readBroken(got.text)
    if (answer.kind === 'status') {
      progress.add('status messages')
      const httpStatus = got.whole ? got.httpStatus : 0
      if (httpStatus !== 503 || !answer.message.startsWith('the store is not available'))
        fail(`${httpStatus}: ${answer.statusType}: ${answer.message} to ${body}`)
      return answer
    }
    progress.add('blocks', answer.blocks.length)
    const forbidden = recalls.findForbidden(before, answer.blocks)
    if (forbidden) fail(`${forbidden}; asked: ${body}`)
    for (const block of answer.blocks) checkContent(block)
    checkOrder(answer)
    return answer
  }

  /** The servers in turn, so that parts are fetched from others than the one that made them. */
  async function nextUrl(): Promise<string> {
    for (;;) {
      turn += 1
      const url = servers[turn % servers.length]?.url()
      if (url !== undefined) return url
      await progress.until(() => servers.some((server) => server.url()), 50)
    }
  }

  function chooseManner() {
    const bytes = 1 + random.below(random.chance(0.5) ? 2_000 : 400_000)
    return {
      patienceMs,
      slow: plan.slow === true && random.chance(0.5),
      breakAfterBytes: random.chance(0.06) ? bytes : undefined,
      agent,
    }
  }

  function readWhole(text: string): PollAnswer | StatusAnswer | BrokenAnswer {
    try {
      return readAnswer(text)
    } catch (error) {
      fail(`an answer was not whole: ${error}`)
      return { kind: 'broken', blocks: [] }
    }
  }

  /** Whoever is given a label, and however often, it is of the same bytes. */
  function checkContent({ label, digest }: SeenBlock): void {
    const key = `${collection} ${binding} ${label}`
    const known = contents.get(key)
    if (known === undefined) contents.set(key, digest)
    else if (known !== digest) fail(`block ${label} has changed`)
  }

  function checkOrder(answer: PollAnswer | BrokenAnswer): void {
    let last = (answer.kind === 'poll' && answer.begin) || 0
    for (const { label } of answer.blocks) {
      if (label <= last) fail(`label ${label} came after ${last}`)
      last = label
    }
    if (answer.kind === 'poll' && last > answer.end) {
      fail(`label ${last} lies beyond the answered end ${answer.end}`)
    }
  }

  function fail(what: string): void {
    progress.fail(`${login.name} of ${collection}: ${what}`)
  }

  return { attempt, fail, close: () => agent?.destroy() }
}
