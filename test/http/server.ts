import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest, type ServerOptions } from 'node:https'
import type { Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Identify, Role } from '../../src/model/account.ts'
import { createIdentify } from '../../src/security/identify.ts'
import { createKeyring, type Keyring } from '../../src/security/keyring.ts'
import { makeToken, tokenDigest, tokenHint } from '../../src/security/tokens.ts'
import { createAccount } from '../../src/store/accounts.ts'
import { writeCollection } from '../../src/store/collections.ts'
import { createToken } from '../../src/store/tokens.ts'
import { createStoredFeed } from '../../src/taxii/stored-feed.ts'
import { createAdminParts } from '../admin/admin-parts.ts'
import { cheapHash } from '../helpers/cheap-hash.ts'
import { createTestLog } from '../helpers/log.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'

export interface Ask {
  readonly method?: string
  readonly path?: string
  /** a list sends a header as often */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: string | Buffer
  /** the client's own, such as 127.0.0.2 */
  readonly from?: string
  /** of a client over TLS */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export type TestApp = Awaited<ReturnType<typeof startApp>>

/**
 * The whole service on a socket, over an empty store with the collections `all` and `other`, and sign-ins that
 * follow a clock of the test's.
 */
export async function startApp(
  t: Test,
  options: {
    readonly publicUrl?: string
    readonly tls?: ServerOptions
    /** stands before the sign-ins */
    readonly before?: (identify: Identify) => Identify
  } = {},
) {
  const { db } = await openTestStore(t, 'postgresql')
  const clock = { now: new Date() }
  const metrics = createMetrics()
  const keyring: Keyring = createKeyring(secret('secret key'))
  const identify = createIdentify({
    db,
    keyring,
    jwtSeconds: 600,
    metrics,
    clock: () => clock.now,
  })
  const app = await buildApp({
    admin: createAdminParts(t, db, { keyring }),
    feed: createStoredFeed(db, 60),
    inbox: undefined,
    identify: options.before?.(identify) ?? identify,
    checkStore: async () => {},
    metrics,
    log: createTestLog(),
    publicUrl: options.publicUrl,
    tls: options.tls,
    version: '0.0.0',
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => {
    await app.close()
    await identify.settle()
  })
  for (const name of ['all', 'other']) await writeCollection(db, aCollection({ name }))

  return {
    url,
    db,
    clock,
    identify,
    keyring,
    metrics,
    /** Makes an account that has a password of its own. */
    async addAccount(name: string, role: Role = 'reader') {
      const password = secret('password', { colons: true, utf8: true })
      const account = await createAccount(db, name, cheapHash(password), role)
      if (!account) throw new Error(`there is a ${name} already`)
      return { account, name, password }
    },
    async addToken(accountId: number, scopes: string[] | null = null, expiresInDays = 1) {
      const token = noteSecret(makeToken())
      const { id } = await createToken(db, accountId, {
        name: 'a token',
        digest: tokenDigest(token),
        hint: tokenHint(token),
        scopes,
        createdBy: 'test',
        expiresInDays,
      })
      return { id, token }
    },
    ask: (how: Ask) => ask(url, how),
    /** What `/metrics` counts of sign-ins, such as `3 password refused`, without what is 0. */
    async signIns(): Promise<string[]> {
      const { text } = await ask(url, { path: '/metrics' })
      const lines = [
        ...text.matchAll(/^taxiway_sign_ins_total\{proof="(\w+)",outcome="(\w+)"\} (\d+)$/gm),
      ]
      return lines
        .filter(([, , , times]) => times !== '0')
        .map(([, proof, outcome, times]) => `${times} ${proof} ${outcome}`)
    },
  }
}

/** Asks on a connection of its own, which is closed after the answer. */
export function ask(url: string, how: Ask): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body, from, tls } = how
  const request = tls ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, {
      method,
      agent: false,
      ...tls,
      ...(from !== undefined && { localAddress: from }),
    })
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) sent.setHeader(name, value)
    }
    sent.once('error', reject)
    sent.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    sent.end(body)
  })
}

export function basic(name: string, password: string, encoding: BufferEncoding = 'utf8'): string {
  return `Basic ${Buffer.from(`${name}:${password}`, encoding).toString('base64')}`
}

export const bearer = (token: string) => `Bearer ${token}`
