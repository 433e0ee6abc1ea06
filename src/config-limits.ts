import type { Readers } from './config.ts'
import { type ConnectionLimits, defaultLimits } from './http/limits.ts'

export function readLimits({ integer }: Pick<Readers, 'integer'>): ConnectionLimits {
  const of = defaultLimits
  const perAddress = of.maxConnectionsPerAddress
  return {
    maxConnections: integer('MAX_CONNECTIONS', 1, 100_000, of.maxConnections),
    maxConnectionsPerAddress: integer('MAX_CONNECTIONS_PER_ADDRESS', 1, 100_000, perAddress),
    maxPipelinedRequests: integer('MAX_PIPELINED_REQUESTS', 1, 1_000, of.maxPipelinedRequests),
    headSeconds: integer('HEAD_SECONDS', 1, 3_600, of.headSeconds),
    requestSeconds: integer('REQUEST_SECONDS', 1, 86_400, of.requestSeconds),
    sendSeconds: integer('SEND_SECONDS', 1, 86_400, of.sendSeconds),
    idleSeconds: integer('IDLE_SECONDS', 1, 86_400, of.idleSeconds),
  }
}
