import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { getCaller } from '../http/who-is-asking.ts'
import type { Caller } from '../model/account.ts'
import { SecretKeyWrong } from '../model/errors.ts'
import type { Keyring } from '../security/keyring.ts'
import type { Db } from '../store/db.ts'
import { contextOfAnswer, keepAnswer, takeKey } from '../store/idempotency.ts'
import { findStoreKeyId, keepStoreKey } from '../store/secrets.ts'
import { IdempotencyKeyReused } from './errors.ts'
import type { AdminParts } from './parts.ts'

/*
 * Every POST answers through `answerOnce`. With an Idempotency-Key, the work and the record of its answer are
 * one transaction, so what a client sends again because it heard nothing is done once; without the header it
 * is a plain transaction. What is refused is not kept.
 *
 *   const hash = await hashPassword(…)        // expensive work comes before: no transaction waits for it
 *   return answerOnce(request, reply, parts, async (trx) => ({
 *     status: 201, headers: { location }, body, afterCommit: () => parts.log.info(…) }))
 */

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
  /** what follows once the work is committed; not when an answer is given again */
  readonly afterCommit?: () => void
}

interface Options {
  /** whether the work itself changes the secret key, so that it must not be kept from that */
  readonly changesKey?: boolean
}

/** @throws IdempotencyKeyReused, SecretKeyWrong when the answer is kept under a key that is not given */
export async function answerOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: Pick<AdminParts, 'db' | 'keyring' | 'keys'>,
  work: (trx: Db) => Promise<Answer>,
  options: Options = {},
): Promise<FastifyReply> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string') {
    const answer = await parts.db.transaction().execute(work)
    answer.afterCommit?.()
    return send(reply, answer)
  }
  const { answer, replayed } = await answerUnderKey(request, key, parts, work, options)
  if (replayed) reply.header('Idempotency-Replayed', 'true')
  answer.afterCommit?.()
  return send(reply, answer)
}

const mostTries = 5

async function answerUnderKey(
  request: FastifyRequest,
  key: string,
  { db, keyring, keys }: Pick<AdminParts, 'db' | 'keyring' | 'keys'>,
  work: (trx: Db) => Promise<Answer>,
  { changesKey = false }: Options,
): Promise<{ readonly answer: Answer; readonly replayed: boolean }> {
  const caller = nameCaller(getCaller(request))
  const context = contextOfAnswer(caller, key)
  for (let tries = 0; tries < mostTries; tries += 1) {
    const done = await db.transaction().execute(async (trx) => {
      const storeKeyId = await (changesKey ? findStoreKeyId(trx) : keepStoreKey(trx))
      // The key was changed a moment ago, and this process has not seen that yet.
      if (storeKeyId !== undefined && storeKeyId !== keyring.keyId) return undefined
      const digests = digestRequest(request, keyring)
      const [digest = Buffer.alloc(0)] = digests
      const kept = await takeKey(trx, caller, key, digest)
      if (kept) {
        const sameRequest = digests.some((one) => timingSafeEqual(one, kept.request))
        if (!sameRequest) throw new IdempotencyKeyReused()
        const plain = Buffer.from(keyring.open(kept.sealed, context)).toString()
        return { answer: JSON.parse(plain) as Answer, replayed: true }
      }
      const made = await work(trx)
      const { status, headers, body } = made
      const sealed = keyring.seal(Buffer.from(JSON.stringify({ status, headers, body })), context)
      await keepAnswer(trx, caller, key, status, sealed)
      return { answer: made, replayed: false }
    })
    if (done) return done
    await keys.follow()
  }
  throw new SecretKeyWrong(
    'the secret key is being changed, again and again; nothing was done: send the request again',
  )
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply
    .code(status)
    .headers(headers ?? {})
    .send(body)
}

/**
 * Whoever may do less than the one who asked first is another caller: an answer may hold a token that
 * he could not have made.
 */
function nameCaller({ account, proof, permissions }: Caller): string {
  const who = proof === 'local' ? 'local' : `account ${account.id}`
  return `${who} with ${[...permissions].toSorted().join(' ')}`
}

/** Keyed, since a body may hold a password that could be guessed by its digest. */
function digestRequest({ method, url, body }: FastifyRequest, keyring: Keyring): readonly Buffer[] {
  const text = JSON.stringify([method, url, body ?? null])
  return keyring
    .deriveKeys('requests of idempotency keys')
    .map((key) => createHmac('sha256', key).update(text).digest())
}
