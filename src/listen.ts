import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { TaxiwayError } from './model/errors.ts'

export class ListenFailed extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('LISTEN_FAILED', message, options)
  }
}

export interface Place {
  readonly host: string
  /** the address that the host stands for */
  readonly address: string
  readonly port: number
}

/**
 * Looks the host up once, so that the address that is judged is the one that is listened on.
 * @throws ListenFailed
 */
export async function findPlace(host: string, port: number): Promise<Place> {
  if (isIP(host)) return { host, address: host, port }
  try {
    const addresses = await lookup(host, { all: true })
    // More clients try 127.0.0.1 for "localhost" than ::1.
    const first = addresses.find(({ family }) => family === 4) ?? addresses[0]
    return { host, address: first?.address ?? host, port }
  } catch (cause) {
    throw cannotListen(host, port, cause)
  }
}

/**
 * @returns where it listens, such as http://127.0.0.1:9000
 * @throws ListenFailed
 */
export async function listen(
  app: FastifyInstance,
  { host, address, port }: Place,
): Promise<string> {
  try {
    return await app.listen({ host: address, port })
  } catch (cause) {
    const { syscall } = cause as NodeJS.ErrnoException
    if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw cause
    throw cannotListen(host, port, cause)
  }
}

function cannotListen(host: string, port: number, cause: unknown): ListenFailed {
  const { code = '' } = cause as NodeJS.ErrnoException
  return new ListenFailed(
    `cannot listen on ${host}:${port}: ${reasons[code] ?? code}. Set TAXIWAY_HOST and TAXIWAY_PORT to a free address.`,
    { cause },
  )
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something listens there already',
  EADDRNOTAVAIL: 'it is no address of this machine',
  EACCES: 'this user may not',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up',
}
