import { setImmediate as nextTurn } from 'node:timers/promises'
import Fastify from 'fastify'
import { sql } from 'kysely'
import type { Test } from 'tap'
import type { Account } from '../../src/model/account.ts'
import { formatMicros, type Micros, parseMicros } from '../../src/model/micros.ts'
import { createAccount } from '../../src/store/accounts.ts'
import type { Db } from '../../src/store/db.ts'
import type { Feed } from '../../src/taxii/feed.ts'
import { taxiiRoutes } from '../../src/taxii/routes.ts'
import { createStoredFeed } from '../../src/taxii/stored-feed.ts'
import { findAttribute, readXml } from '../../src/xml/read.ts'
import { identifyByPassword } from '../helpers/identify.ts'
import { childText, countOnly, fulfillment, full, pollRequest, taxiiHeaders } from './server.ts'

export interface Asked {
  readonly begin?: Micros | undefined
  readonly end?: Micros | undefined
  readonly countsOnly?: boolean
  readonly userAgent?: string
}

/** A Poll_Response as its client reads it. */
export interface Answered {
  readonly begin: Micros | undefined
  readonly end: Micros | undefined
  readonly message: string | undefined
  readonly labels: readonly Micros[]
  /** the domains that the blocks are about */
  readonly values: readonly string[]
  readonly more: boolean
  readonly resultId: string
  readonly bytes: number
  readonly text: string
}

export interface Client {
  readonly account: Account
  poll(collection: string, asked?: Asked): Promise<Answered>
  fulfil(collection: string, resultId: string, part: number, userAgent?: string): Promise<Answered>
}

/** The database's clock, which is the only one that counts. */
export async function readClock(db: Db): Promise<Micros> {
  const { rows } = await sql<{ now: Micros }>`select taxiway_micros() as now`.execute(db)
  return (rows[0] as { now: Micros }).now
}

/** The real TAXII service on a real store. Every account's password is "pass". */
export async function startStoredServer(
  t: Test,
  db: Db,
  change: (feed: Feed) => Feed = (feed) => feed,
) {
  const accounts = new Map<string, Account>()
  const app = Fastify({ forceCloseConnections: true })
  app.register(taxiiRoutes, {
    feed: change(createStoredFeed(db, 86_400)),
    log: { info: () => {}, error: () => {} },
    identify: identifyByPassword(async (name) => accounts.get(name)),
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())

  /** Makes an account that reads everything, and the client that polls by it. */
  async function addClient(name: string): Promise<Client> {
    const account = await createAccount(db, name, 'hash', 'administrator')
    if (!account) throw new Error(`there is a ${name} already`)
    accounts.set(name, account)
    const send = async (body: string, userAgent = 'a client'): Promise<Answered> => {
      const authorization = `Basic ${Buffer.from(`${name}:pass`).toString('base64')}`
      const response = await fetch(`${url}/taxii/poll`, {
        method: 'POST',
        headers: { ...taxiiHeaders, Authorization: authorization, 'User-Agent': userAgent },
        body,
      })
      return readAnswer(await response.text())
    }
    return {
      account,
      poll(collection, { begin, end, countsOnly, userAgent } = {}) {
        const moment = (element: string, at: Micros | undefined) =>
          at === undefined ? '' : `<t:${element}>${formatMicros(at)}</t:${element}>`
        const window =
          moment('Exclusive_Begin_Timestamp', begin) + moment('Inclusive_End_Timestamp', end)
        return send(pollRequest(window + (countsOnly ? countOnly : full), collection), userAgent)
      },
      fulfil: (collection, resultId, part, userAgent) =>
        send(fulfillment(resultId, part, collection), userAgent),
    }
  }

  /** Waits until every poll that has ended is entered as that. */
  async function settled(): Promise<void> {
    for (;;) {
      const { rows } = await sql`select from polls where status = 'under way'`.execute(db)
      if (rows.length === 0) return
      // The embedded database answers within the turn, in which no timer runs.
      await nextTurn()
    }
  }

  return { url, addClient, settled }
}

function readAnswer(text: string): Answered {
  const root = readXml(Buffer.from(text))
  if (root.name !== 'Poll_Response') throw new Error(text)
  const momentOf = (name: string) => {
    const written = childText(root, name)
    return written === undefined ? undefined : parseMicros(written)
  }
  const matches = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => String(match[1]))
  return {
    begin: momentOf('Exclusive_Begin_Timestamp'),
    end: momentOf('Inclusive_End_Timestamp'),
    message: childText(root, 'Message'),
    labels: matches(/<taxii_11:Timestamp_Label>([^<]+)</g).map((one) => parseMicros(one) as Micros),
    values: matches(/<DomainNameObj:Value[^>]*>([^<]+)</g),
    more: findAttribute(root, 'more') === 'true',
    resultId: findAttribute(root, 'result_id') ?? '',
    bytes: Buffer.byteLength(text),
    text,
  }
}
