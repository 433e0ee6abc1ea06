import fastifyBasicAuth from '@fastify/basic-auth'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export interface NameAndPassword {
  readonly name: string
  readonly password: string
}

export type ReadBasic = (
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<NameAndPassword | undefined>

/**
 * Reads `Authorization: Basic` (RFC 7617): the first colon ends the name, and neither part holds control
 * characters.
 * @returns undefined for one that cannot be read
 */
export function basicReader(app: FastifyInstance): ReadBasic {
  const read = new WeakMap<FastifyRequest, NameAndPassword>()
  app.register(fastifyBasicAuth, {
    strictCredentials: false,
    // Only keeps what was read: an error thrown in here would be made a 401, a store that is down
    // too, and anything that it resolves to would be thrown.
    validate: async (name, password, request) => {
      read.set(request, { name, password })
    },
  })
  return async (request, reply) => {
    await new Promise<void>((resolve) => app.basicAuth(request, reply, () => resolve()))
    const given = read.get(request)
    if (!given || !`${given.name}${given.password}`.includes('\uFFFD')) return given
    return splitAgain(request)
  }
}

/** Python's requests, and so cabby, sends credentials in Latin-1, whatever charset is asked for. */
function splitAgain(request: FastifyRequest): NameAndPassword {
  const encoded = request.headers.authorization?.trim().split(/\s+/)[1] ?? ''
  const text = decode(Buffer.from(encoded, 'base64'))
  const colon = text.indexOf(':')
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Buffer): string {
  try {
    // It may hold the sign that stands for what is no UTF-8.
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}
