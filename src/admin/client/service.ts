import type { Static } from 'typebox'
import type { Health } from '../health.ts'
import type { Rotation, Secrets } from '../secrets.ts'
import type { AdminConnection } from './connection.ts'

export type SecretList = Static<typeof Secrets>

/** The calls of the REST interface on the service as a whole. */
export function serviceCalls({ ask }: AdminConnection) {
  return {
    health: () => ask<Health>('GET', '/health'),
    listSecrets: () => ask<SecretList>('GET', '/secrets'),
    rotateSecrets: () => ask<Static<typeof Rotation>>('POST', '/secrets/rotate'),
  }
}
