import fastifyBasicAuth from '@fastify/basic-auth'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Account, Authenticate } from '../model/account.ts'
import { TaxiwayError } from '../model/errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** who is asking; null on a route that does not ask */
    account: Account | null
  }
}

export class Unauthorized extends TaxiwayError {
  readonly statusCode = 401
  constructor(options?: ErrorOptions) {
    super('UNAUTHORIZED', 'a valid name and password are needed', options)
  }
}

const challenge = 'Basic realm="taxiway", charset="UTF-8"'

/**
 * @returns an onRequest hook that sets `request.account`, or throws Unauthorized with the challenge
 * on the reply
 */
export async function basicAuthHook(
  app: FastifyInstance,
  authenticate: Authenticate,
): Promise<(request: FastifyRequest, reply: FastifyReply) => Promise<void>> {
  const credentials = new WeakMap<FastifyRequest, { name: string; password: string }>()
  await app.register(fastifyBasicAuth, {
    strictCredentials: false,
    // Only keeps what was read: an error thrown in here would be made a 401, a store that is down
    // too, and anything that it resolves to would be thrown.
    validate: async (name, password, request) => {
      credentials.set(request, decodedAsLatin1(name, password, request) ?? { name, password })
    },
  })
  app.decorateRequest('account', null)

  return async (request, reply) => {
    try {
      await readCredentials(app, request, reply)
    } catch (cause) {
      reply.header('WWW-Authenticate', challenge)
      throw new Unauthorized({ cause })
    }
    const given = credentials.get(request)
    const account = given && (await authenticate(given.name, given.password))
    if (!account) {
      reply.header('WWW-Authenticate', challenge)
      throw new Unauthorized()
    }
    request.account = account
  }
}

function readCredentials(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  return new Promise((resolve, reject) => {
    app.basicAuth(request, reply, (error) => (error ? reject(error) : resolve()))
  })
}

/**
 * Python's requests, and so cabby, sends credentials in Latin-1, whatever charset is asked for.
 * @returns undefined when the credentials were UTF-8
 */
function decodedAsLatin1(
  name: string,
  password: string,
  request: FastifyRequest,
): { name: string; password: string } | undefined {
  if (!`${name}${password}`.includes('\uFFFD')) return undefined
  const encoded = request.headers.authorization?.trim().split(/\s+/)[1] ?? ''
  const decoded = Buffer.from(encoded, 'base64').toString('latin1')
  const colon = decoded.indexOf(':')
  return { name: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
