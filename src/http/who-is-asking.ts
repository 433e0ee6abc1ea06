import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Account, Caller, Identify } from '../model/account.ts'
import { TaxiwayError, TooManyGuesses } from '../model/errors.ts'
import { permissionsOf } from '../model/permission.ts'
import { basicReader, type NameAndPassword } from './basic.ts'
import { findClientCertificate } from './client-certificate.ts'
import { readCredentials } from './credentials.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** who is asking; null on a route that does not ask */
    caller: Caller | null
  }
}

/** No proof, or a wrong one, of who is asking. */
export class Unauthorized extends TaxiwayError {
  readonly statusCode = 401
  constructor(message: string) {
    super('UNAUTHORIZED', message)
  }
}

/** The bearer token is no token, unknown, expired or revoked, or its account is disabled. */
export class BearerRefused extends Unauthorized {
  constructor() {
    super(
      'the bearer token is not valid: it is unknown, expired or revoked, or its account is disabled',
    )
  }
}

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

interface Way {
  /** whether a name and a password will do */
  readonly basic: boolean
  readonly challenge: string
  /** undefined: a refused token is answered at HTTP 200 */
  readonly bearerChallenge: string | undefined
  /** what is said where there is no proof, and where there is one of another kind */
  readonly needed: string
}

const taxiiWay: Way = {
  basic: true,
  challenge: 'Basic realm="taxiway", charset="UTF-8"',
  bearerChallenge: undefined,
  needed: 'a valid name and password are needed',
}

const restWay: Way = {
  basic: false,
  challenge: 'Bearer realm="taxiway"',
  bearerChallenge: 'Bearer realm="taxiway", error="invalid_token"',
  needed:
    'a bearer token is needed, or a client certificate; "taxiway account token add" makes a token, and POST /management/auth gives one for a name and a password',
}

/**
 * For TAXII: HTTP Basic, a bearer token or a client certificate.
 * @returns an onRequest hook that sets `request.caller`. It throws Unauthorized with the challenge on the
 * reply, BearerRefused, or TooManyGuesses with Retry-After on the reply
 */
export function taxiiHook(app: FastifyInstance, identify: Identify): Hook {
  return makeHook(app, identify, taxiiWay)
}

/**
 * For the REST interface: a bearer token or a client certificate, never a password, which a browser would
 * send along by itself.
 * @returns an onRequest hook as that of `taxiiHook`
 */
export function restHook(app: FastifyInstance, identify: Identify): Hook {
  return makeHook(app, identify, restWay)
}

function makeHook(app: FastifyInstance, identify: Identify, way: Way): Hook {
  app.decorateRequest('caller', null)
  const readBasic = way.basic ? basicReader(app) : undefined
  return async (request, reply) => {
    try {
      const readName = readBasic && (() => readBasic(request, reply))
      request.caller = await findCaller(request, identify, way, readName)
    } catch (error) {
      if (error instanceof TooManyGuesses) reply.header('Retry-After', error.retryAfterSeconds)
      const challenge = error instanceof BearerRefused ? way.bearerChallenge : way.challenge
      if (error instanceof Unauthorized && challenge) reply.header('WWW-Authenticate', challenge)
      throw error
    }
  }
}

async function findCaller(
  request: FastifyRequest,
  identify: Identify,
  way: Way,
  readBasic: (() => Promise<NameAndPassword | undefined>) | undefined,
): Promise<Caller> {
  const credentials = readCredentials(request)
  switch (credentials?.scheme) {
    case 'basic': {
      if (!readBasic) throw new Unauthorized(`Basic is not accepted here: ${way.needed}`)
      const given = await readBasic()
      return or(
        given && (await identify.byPassword(given.name, given.password, request.ip)),
        way.needed,
      )
    }
    case 'bearer': {
      const caller = await identify.byBearer(credentials.token, request.ip)
      if (!caller) throw new BearerRefused()
      return caller
    }
    case 'malformed bearer':
      throw new BearerRefused()
    case 'malformed':
    case 'unknown':
      throw new Unauthorized(way.needed)
    case undefined: {
      const certificate = findClientCertificate(request)
      if (!certificate) throw new Unauthorized(way.needed)
      return or(
        await identify.byCertificate(certificate, request.ip),
        'the client certificate belongs to no account, or to one that is disabled',
      )
    }
  }
}

function or(caller: Caller | undefined, message: string): Caller {
  if (!caller) throw new Unauthorized(message)
  return caller
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
