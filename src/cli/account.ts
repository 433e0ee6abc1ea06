import { readFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { accountNameFault, passwordFault, type Role, roles } from '../model/account.ts'
import { CollectionNotFound, ConfigError } from '../model/errors.ts'
import { hashPassword, makePassword } from '../security/passwords.ts'
import {
  changeAgeOut,
  changePassword,
  createAccount,
  findAccount,
  grantRead,
  readAccounts,
} from '../store/accounts.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { parseDays } from './parse-count.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

export function accountCommand(): Command {
  const passwordFile = () =>
    new Option('--password-file <file>', 'take the password from its first line, not make one')
  const add = new Command('add')
    .description('make an account and print its password, once')
    .argument('<name>')
    .addOption(new Option('--role <role>').choices(roles).default('reader'))
    .option('--read <collection...>', 'collections that it may poll')
    .option('--client-age-out <days>', ageOutMeaning, parseDays, 30)
    .addOption(passwordFile())
    .addHelpText('after', '\nExample:\n  taxiway account add esa1 --read esa-network esa-hashes')
    .action((name: string, options: AddOptions) =>
      withStore(async ({ db }) => {
        const fault = accountNameFault(name)
        if (fault) throw new ConfigError(`the name "${name}" ${fault}`)
        const { password, made } = await getPassword(options.passwordFile)
        const hash = await hashPassword(password)
        await db.transaction().execute(async (trx) => {
          const { role, clientAgeOut } = options
          const account = await createAccount(trx, name, hash, role, clientAgeOut)
          if (!account) {
            throw new ConfigError(
              `there is an account "${name}" already; "taxiway account passwd ${name}" changes its password`,
            )
          }
          await grant(trx, account.id, options.read ?? [])
        })
        console.log(made ? password : `made ${name}`)
      }),
    )
  const passwd = new Command('passwd')
    .description('give an account a new password and print it, once')
    .argument('<name>')
    .addOption(passwordFile())
    .action((name: string, options: { passwordFile?: string }) =>
      withStore(async ({ db }) => {
        const { password, made } = await getPassword(options.passwordFile)
        const changed = await changePassword(db, name, await hashPassword(password))
        if (!changed) throw noSuchAccount(name)
        console.log(made ? password : `changed the password of ${name}`)
      }),
    )
  const grantCommand = new Command('grant')
    .description('let an account poll collections')
    .argument('<name>')
    .argument('<collection...>')
    .action((name: string, collections: string[]) =>
      withStore(async ({ db }) => {
        await db.transaction().execute(async (trx) => {
          const found = await findAccount(trx, name)
          if (!found) throw noSuchAccount(name)
          await grant(trx, found.account.id, collections)
        })
        console.log(`${name} may poll ${collections.join(', ')}`)
      }),
    )
  const ageOut = new Command('age-out')
    .description(`say ${ageOutMeaning}`)
    .argument('<name>')
    .argument('<days>', 'as set at the client, such as the Age of an ESA', parseDays)
    .action((name: string, days: number) =>
      withStore(async ({ db }) => {
        if (!(await changeAgeOut(db, name, days))) throw noSuchAccount(name)
        console.log(`${name}'s client is taken to keep what it was sent for ${inDays(days)}`)
      }),
    )
  const list = new Command('list')
    .description('list the accounts and what they may poll')
    .action(() =>
      withStore(async ({ db }) => {
        const rows = (await readAccounts(db)).map(({ name, role, clientAgeOutDays, reads }) => [
          name,
          role,
          inDays(clientAgeOutDays),
          role === 'administrator' ? 'every collection' : reads.join(', '),
        ])
        console.log(formatTable(['ACCOUNT', 'ROLE', 'CLIENT AGE-OUT', 'MAY POLL'], rows))
      }),
    )
  return new Command('account')
    .description('who may poll what')
    .addCommand(add)
    .addCommand(passwd)
    .addCommand(grantCommand)
    .addCommand(ageOut)
    .addCommand(list)
}

const ageOutMeaning = 'after how many days its client drops what it was sent'

interface AddOptions {
  readonly role: Role
  readonly read?: string[]
  readonly clientAgeOut: number
  readonly passwordFile?: string
}

function inDays(days: number): string {
  return days === 1 ? '1 day' : `${days} days`
}

async function grant(db: Db, accountId: number, names: readonly string[]): Promise<void> {
  const collections = await readCollections(db)
  for (const name of names) {
    const collection = collections.find((one) => one.name === name)
    if (!collection) throw new CollectionNotFound(name)
    await grantRead(db, accountId, collection.id)
  }
}

async function getPassword(file: string | undefined): Promise<{ password: string; made: boolean }> {
  if (file === undefined) return { password: makePassword(), made: true }
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${file} cannot be read (${cause.code})`, { cause })
  })
  const password = text.split(/\r?\n/, 1)[0] ?? ''
  const fault = passwordFault(password)
  if (fault) throw new ConfigError(`the first line of ${file} ${fault}`)
  return { password, made: false }
}

export function noSuchAccount(name: string): ConfigError {
  return new ConfigError(`there is no account "${name}"; "taxiway account list" shows all`)
}
