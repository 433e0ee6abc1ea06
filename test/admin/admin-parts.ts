import type { Test } from 'tap'
import type { AdminParts } from '../../src/admin/parts.ts'
import { createReconciling } from '../../src/reconciling.ts'
import { createKeyring } from '../../src/security/keyring.ts'
import type { Db } from '../../src/store/db.ts'
import { createTestLog } from '../helpers/log.ts'
import { secret } from '../helpers/secrets.ts'
import { createTestIntake } from '../intake/reports.ts'

/** What the REST interface stands on in a test; the feeds follow, and are waited for when `t` ends. */
export function createAdminParts(t: Test, db: Db, change: Partial<AdminParts> = {}): AdminParts {
  const intake = createTestIntake(t, db)
  const log = createTestLog()
  const keyring = createKeyring(secret('secret key'))
  const reconciling = createReconciling(intake, log)
  t.teardown(() => reconciling.settle())
  return {
    db,
    intake,
    keyring,
    keys: {
      keyring,
      findNextKeyId: () => undefined,
      rotateWithin: async () => ({ rewrapped: 0, keyId: keyring.keyId }),
      follow: async () => {},
    },
    log,
    version: '0.0.0',
    followCollections: reconciling.follow,
    service: {
      storeKind: 'postgresql',
      startedAt: new Date(),
      findCertificate: () => undefined,
    },
    ...change,
  }
}
