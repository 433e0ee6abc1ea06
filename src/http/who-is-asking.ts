import fastifyBasicAuth from '@fastify/basic-auth'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Account, Caller, Identify } from '../model/account.ts'
import { TaxiwayError } from '../model/errors.ts'
import { permissionsOf } from '../model/permission.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** who is asking; null on a route that does not ask */
    caller: Caller | null
  }
}

/** No proof, or a wrong one, of who is asking. */
export class Unauthorized extends TaxiwayError {
  readonly statusCode = 401
  constructor(options?: ErrorOptions) {
    super('UNAUTHORIZED', 'a valid name and password are needed', options)
  }
}

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

const challenge = 'Basic realm="taxiway", charset="UTF-8"'

/**
 * @returns an onRequest hook that sets `request.caller`, or throws Unauthorized with the challenge
 * on the reply
 */
export async function whoIsAskingHook(app: FastifyInstance, identify: Identify): Promise<Hook> {
  const credentials = new WeakMap<FastifyRequest, { name: string; password: string }>()
  await app.register(fastifyBasicAuth, {
    strictCredentials: false,
    // Only keeps what was read: an error thrown in here would be made a 401, a store that is down
    // too, and anything that it resolves to would be thrown.
    validate: async (name, password, request) => {
      credentials.set(request, decodedAsLatin1(name, password, request) ?? { name, password })
    },
  })
  app.decorateRequest('caller', null)

  return async (request, reply) => {
    try {
      await readCredentials(app, request, reply)
    } catch (cause) {
      reply.header('WWW-Authenticate', challenge)
      throw new Unauthorized({ cause })
    }
    const given = credentials.get(request)
    const caller = given && (await identify.byPassword(given.name, given.password, request.ip))
    if (!caller) {
      reply.header('WWW-Authenticate', challenge)
      throw new Unauthorized()
    }
    request.caller = caller
  }
}

/** The machine's own administrator: whoever reaches the socket in the data folder, or opens the store itself. */
export const localCaller: Caller = {
  account: { id: 0, name: 'local administrator', role: 'administrator' },
  proof: 'local',
  permissions: permissionsOf('administrator', undefined),
}

/** For a server that nobody but the machine's own administrator reaches. */
export function localHook(app: FastifyInstance): Hook {
  app.decorateRequest('caller', null)
  return async (request) => {
    request.caller = localCaller
  }
}

/** Of a route whose hook has found out who is asking. */
export function getCaller(request: FastifyRequest): Caller {
  if (!request.caller) throw new Error('a route ran without the hook that finds out who is asking')
  return request.caller
}

export function getAccount(request: FastifyRequest): Account {
  return getCaller(request).account
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
