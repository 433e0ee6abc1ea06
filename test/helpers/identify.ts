import type { Account, Identify } from '../../src/model/account.ts'
import { rolePermissions } from '../../src/model/permission.ts'

/** Lets in whom `find` knows by a name and a password, and nobody by anything else. */
export function identifyByPassword(
  find: (name: string, password: string) => Promise<Account | undefined>,
): Identify {
  return {
    byPassword: async (name, password) => {
      const account = await find(name, password)
      return account && { account, proof: 'password', permissions: rolePermissions[account.role] }
    },
    byBearer: async () => undefined,
    byCertificate: async () => undefined,
  }
}
