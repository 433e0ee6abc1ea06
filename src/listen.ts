import type { FastifyInstance } from 'fastify'
import { TaxiwayError } from './model/errors.ts'

export class ListenFailed extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('LISTEN_FAILED', message, options)
  }
}

/**
 * @returns where it listens, such as http://127.0.0.1:9000
 * @throws ListenFailed
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException
    if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw cause
    throw new ListenFailed(
      `cannot listen on ${host}:${port}: ${reasons[code ?? ''] ?? code}. Set TAXIWAY_HOST and TAXIWAY_PORT to a free address.`,
      { cause },
    )
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something listens there already',
  EADDRNOTAVAIL: 'it is no address of this machine',
  EACCES: 'this user may not',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up',
}
