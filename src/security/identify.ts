import type { Identify } from '../model/account.ts'
import { rolePermissions } from '../model/permission.ts'
import type { Db } from '../store/db.ts'
import { createAuthenticate } from './authenticate.ts'

/** Finds out who is asking, from what the store knows of accounts. */
export function createIdentify(db: Db): Identify {
  const authenticate = createAuthenticate(db)
  return {
    byPassword: async (name, password) => {
      const account = await authenticate(name, password)
      return account && { account, proof: 'password', permissions: rolePermissions[account.role] }
    },
    byBearer: async () => undefined,
    byCertificate: async () => undefined,
  }
}
