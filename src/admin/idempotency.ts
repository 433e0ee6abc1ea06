import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { getCaller } from '../http/who-is-asking.ts'
import type { Caller } from '../model/account.ts'
import type { Keyring } from '../security/keyring.ts'
import type { Db } from '../store/db.ts'
import { contextOfAnswer, keepAnswer, takeKey } from '../store/idempotency.ts'
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

/** @throws IdempotencyKeyReused, SecretKeyWrong when the answer is kept under a key that is not given */
export async function answerOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  { db, keyring }: Pick<AdminParts, 'db' | 'keyring'>,
  work: (trx: Db) => Promise<Answer>,
): Promise<FastifyReply> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string') {
    const answer = await db.transaction().execute(work)
    answer.afterCommit?.()
    return send(reply, answer)
  }
  const caller = nameCaller(getCaller(request))
  const digests = digestRequest(request, keyring)
  const [digest = Buffer.alloc(0)] = digests
  const context = contextOfAnswer(caller, key)
  const { answer, replayed } = await db.transaction().execute(async (trx) => {
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
  if (replayed) reply.header('Idempotency-Replayed', 'true')
  answer.afterCommit?.()
  return send(reply, answer)
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
