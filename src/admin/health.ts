import { type Static, Type } from 'typebox'
import { findAccountOfSource } from '../model/selection.ts'
import { sourceStatuses, statusOf } from '../model/source-state.ts'
import { countBehind } from '../store/collection-access.ts'
import { readLeases, readSchemaVersion } from '../store/service-facts.ts'
import { readSources } from '../store/source-state.ts'
import type { AdminParts } from './parts.ts'
import { answer, count, moment, nullable, oneOf } from './schemas.ts'
import type { AdminScope } from './scope.ts'

export const Health = Type.Object({
  version: Type.String(),
  startedAt: moment('Of the process that answers.'),
  uptimeSeconds: count('Of the process that answers.'),
  store: Type.Object({
    kind: oneOf(['postgresql', 'embedded']),
    schema: nullable(Type.String(), 'The last migration that was applied.'),
  }),
  leases: Type.Array(
    Type.Object({
      name: Type.String({ description: 'Of the work that one process does for all.' }),
      holder: nullable(Type.String(), 'The process; null: none has it now.'),
    }),
  ),
  sources: Type.Array(Type.Object({ name: Type.String(), status: Type.Enum([...sourceStatuses]) })),
  certificate: nullable(
    Type.Object({ subject: Type.String(), validUntil: moment('When it ends.') }),
    'That clients are shown by this process; null: it speaks plain HTTP.',
  ),
  keyId: Type.String({ description: 'Of the key that secrets are sealed under.' }),
  collectionsBehind: count('Collections that do not publish by their settings yet.'),
})
export type Health = Static<typeof Health>

export function healthRoutes(scope: AdminScope, parts: AdminParts): void {
  const { db, keyring, version, service } = parts
  scope.get(
    '/api/v1/health',
    {
      config: { permission: 'service:read' },
      schema: {
        operationId: 'getHealth',
        summary: 'How the service is',
        description: 'For people and their scripts; orchestrators ask /livez and /readyz.',
        tags: ['service'],
        response: { 200: answer('As this process sees it.', Health) },
      },
    },
    async (): Promise<Health> => {
      const { startedAt, storeKind } = service
      const certificate = service.findCertificate()
      const sources = await readSources(db)
      return {
        version,
        startedAt: startedAt.toISOString(),
        uptimeSeconds: Math.max(0, Math.floor((Date.now() - startedAt.getTime()) / 1000)),
        store: { kind: storeKind, schema: (await readSchemaVersion(db)) ?? null },
        leases: (await readLeases(db)).map(({ name, holder = null }) => ({ name, holder })),
        // What accounts send is neither well nor ill.
        sources: sources
          .filter(({ name }) => findAccountOfSource(name) === undefined)
          .map(({ name, state }) => ({ name, status: statusOf(state) })),
        certificate: certificate
          ? { subject: certificate.subject, validUntil: certificate.validUntil.toISOString() }
          : null,
        keyId: keyring.keyId,
        collectionsBehind: await countBehind(db),
      }
    },
  )
}
