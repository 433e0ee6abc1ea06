import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Intake } from '../intake/intake.ts'
import type { Permission } from '../model/permission.ts'
import type { Keyring } from '../security/keyring.ts'
import type { Db } from '../store/db.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** what one needs to ask for a route below /api/v1; 'account': to be anybody at all */
    readonly permission?: Permission | 'account'
  }
}

/** What the REST interface stands on, in the service and in a command that opens the store itself. */
export interface AdminParts {
  readonly db: Db
  readonly intake: Intake
  readonly keyring: Keyring
  readonly keys: SecretKeys
  readonly log: AdminLog
  readonly version: string
  /** called when settings of collections are stored: makes the feeds follow, in the background */
  readonly followCollections: () => void
  readonly service: ServiceFacts
}

/** The secret keys of this process, which can be changed while it runs. */
export interface SecretKeys {
  /** follows every change */
  readonly keyring: Keyring
  /** of the key that is given and that the store is not on yet; undefined: there is none */
  findNextKeyId(): string | undefined
  /**
   * Puts everything that is sealed under the next key, all or nothing. `follow` must come after the commit.
   * @throws SecretKeyWrong
   */
  rotateWithin(trx: Db): Promise<{ readonly rewrapped: number; readonly keyId: string }>
  /** Goes on with the key that the store is on, whoever has changed it. @throws SecretKeyWrong */
  follow(): Promise<void>
}

/** What the process that answers knows of itself. */
export interface ServiceFacts {
  readonly storeKind: 'postgresql' | 'embedded'
  readonly startedAt: Date
  /** of the certificate that is shown to clients now; undefined: no TLS in this process */
  readonly findCertificate: () => ServedCertificate | undefined
}

export interface ServedCertificate {
  readonly subject: string
  readonly validUntil: Date
}

export interface AdminLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export type AdminHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>
