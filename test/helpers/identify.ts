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
    // A token of the tests is the name and the password that `bearerOf` puts into it.
    byBearer: async (token) => {
      const [name = '', ...password] = Buffer.from(token, 'base64url').toString().split(':')
      const account = await find(name, password.join(':'))
      return account && { account, proof: 'token', permissions: rolePermissions[account.role] }
    },
    byCertificate: async () => undefined,
    issueJwt: async () => undefined,
  }
}

/** The Authorization header that `identifyByPassword` takes for this name and password, also where Basic is refused. */
export function bearerOf(name: string, password: string): string {
  return `Bearer ${Buffer.from(`${name}:${password}`).toString('base64url')}`
}
