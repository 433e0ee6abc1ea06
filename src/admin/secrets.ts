import { Type } from 'typebox'
import { listSecrets } from '../store/secrets.ts'
import { answerOnce } from './idempotency.ts'
import type { AdminParts } from './parts.ts'
import { answer, closed, count, moment, nullable } from './schemas.ts'
import type { AdminScope } from './scope.ts'

const keyId = (description: string) => Type.String({ description, pattern: '^[0-9a-f]{16}$' })

/** What is told of the secrets that are kept: never a value. */
export const Secrets = Type.Object({
  keyId: keyId('Of the key that everything new is sealed and signed under.'),
  previousKeyId: nullable(Type.String(), 'Of the key before, which is still accepted.'),
  nextKeyId: nullable(
    Type.String(),
    'Of the key that this process was given and that rotating goes to; null: there is none.',
  ),
  secrets: Type.Array(
    Type.Object({
      name: Type.String(),
      keyId: keyId('Of the key that it is sealed under.'),
      changedAt: moment('When its value was last given.'),
    }),
  ),
})

export const Rotation = Type.Object({
  rewrapped: count('Secrets and kept answers that were under another key.'),
  keyId: keyId('Of the key that everything is sealed under now.'),
})

export function secretRoutes(scope: AdminScope, parts: AdminParts): void {
  const { db, keys } = parts
  scope.get(
    '/api/v1/secrets',
    {
      config: { permission: 'secrets:write' },
      schema: {
        operationId: 'listSecrets',
        summary: 'What is kept sealed, and under which key',
        tags: ['secrets'],
        response: { 200: answer('No value of a secret is ever told.', Secrets) },
      },
    },
    async () => {
      const { keyring } = keys
      const next = keys.findNextKeyId() ?? null
      const other = keyring.previousKeyId ?? null
      const secrets = await listSecrets(db)
      return {
        keyId: keyring.keyId,
        previousKeyId: other === next ? null : other,
        nextKeyId: next,
        secrets: secrets.map((one) => ({ ...one, changedAt: one.changedAt.toISOString() })),
      }
    },
  )

  scope.post(
    '/api/v1/secrets/rotate',
    {
      config: { permission: 'secrets:write' },
      schema: {
        operationId: 'rotateSecretKey',
        summary: 'Put everything that is sealed under the next key',
        description:
          'The next key is TAXIWAY_SECRET_KEY, where TAXIWAY_SECRET_KEY_PREVIOUS is the one of the store; of a key that Taxiway keeps in a file, a new one is made. All or nothing, beside whatever else is done.',
        tags: ['secrets'],
        body: Type.Optional(Type.Union([closed({}), Type.Null()])),
        response: { 200: answer('Everything is under the present key.', Rotation) },
      },
      // After the commit and before the answer: who is answered finds it done.
      onSend: async (_request, reply) => {
        if (reply.statusCode === 200) await keys.follow()
      },
    },
    async (request, reply) =>
      answerOnce(
        request,
        reply,
        parts,
        async (trx) => ({ status: 200, body: await keys.rotateWithin(trx) }),
        { changesKey: true },
      ),
  )
}
