import { Argument, Command, Option } from 'commander'
import {
  type Account,
  type AccountChange,
  accountCalls,
  type Grant,
} from '../admin/client/accounts.ts'
import { newAccountNameFault, type Role, roles } from '../model/account.ts'
import { ConfigError } from '../model/errors.ts'
import { certificateCommand } from './account-certificate.ts'
import { accountToText } from './account-text.ts'
import { tokenCommand } from './account-token.ts'
import { asking } from './asking.ts'
import { type PasswordOptions, passwordOptions, readNewPassword } from './new-password.ts'
import { parseDays } from './parse-count.ts'
import { printList } from './print-list.ts'
import { type AskingOptions, askingCommand, jsonLines, jsonObject } from './server-options.ts'

export function accountCommand(): Command {
  return new Command('account')
    .description('who may do what, and by which proof')
    .addCommand(addCommand())
    .addCommand(passwdCommand())
    .addCommand(grantCommand())
    .addCommand(revokeCommand())
    .addCommand(ageOutCommand())
    .addCommand(roleCommand())
    .addCommand(disableCommand())
    .addCommand(enableCommand())
    .addCommand(tokenCommand())
    .addCommand(certificateCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
}

const ageOutMeaning = 'after how many days its client drops what it was sent'

interface AddOptions extends AskingOptions, PasswordOptions {
  readonly role: Role
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly clientAgeOut: number
  readonly passwordless?: boolean
}

function addCommand(): Command {
  const command = new Command('add')
    .description('make an account and print its password, once')
    .argument('<name>')
    .addOption(new Option('--role <role>').choices(roles).default('reader'))
    .option('--read <collection...>', 'collections that it may poll')
    .option('--write <collection...>', 'collections that it may send to, and a curator change')
    .option('--client-age-out <days>', ageOutMeaning, parseDays, 30)
    .addOption(
      new Option('--passwordless', 'it has none: it signs in by token or certificate').conflicts([
        'passwordFile',
        'passwordPrompt',
      ]),
    )
    .addHelpText('after', '\nExample:\n  taxiway account add esa1 --read esa-network esa-hashes')
    .action((name: string, options: AddOptions) =>
      asking(options, async (connection) => {
        const fault = newAccountNameFault(name)
        if (fault) throw new ConfigError(`the name "${name}" ${fault}`)
        const { role, clientAgeOut: clientAgeOutDays, passwordless, json } = options
        const password = passwordless ? undefined : await readNewPassword(options, name)
        const made = await accountCalls(connection).add({
          name,
          role,
          clientAgeOutDays,
          grants: grantsOf(options),
          ...(password !== undefined && { password }),
          ...(passwordless && { passwordless }),
        })
        if (json) console.log(JSON.stringify(made))
        else console.log(made.password ?? `made ${name}`)
        if (passwordless) {
          console.error(`it needs a proof: taxiway account token add ${name} --name WHAT_FOR`)
        }
      }),
    )
  for (const option of passwordOptions()) command.addOption(option)
  return askingCommand(command, jsonObject)
}

function grantsOf({ read = [], write = [] }: AddOptions): Grant[] {
  return [...new Set([...read, ...write])].map((collection) => ({
    collection,
    read: read.includes(collection),
    write: write.includes(collection),
  }))
}

function passwdCommand(): Command {
  const command = new Command('passwd')
    .description('give an account a new password and print it, once')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  taxiway account passwd esa1')
    .action((name: string, options: AskingOptions & PasswordOptions) =>
      asking(options, async (connection) => {
        const password = await readNewPassword(options, name)
        const set = await accountCalls(connection).setPassword(name, password)
        if (options.json) console.log(JSON.stringify(set))
        else console.log(set.password ?? `changed the password of ${name}`)
      }),
    )
  for (const option of passwordOptions()) command.addOption(option)
  return askingCommand(command, jsonObject)
}

interface GrantOptions extends AskingOptions {
  readonly write?: boolean
  readonly writeOnly?: boolean
}

function grantCommand(): Command {
  const command = new Command('grant')
    .description('let an account poll collections, or send to them')
    .argument('<name>')
    .argument('<collection...>')
    .option('--write', 'let it send Inbox_Messages to them, and a curator change them')
    .addOption(
      new Option(
        '--write-only',
        'the same, and not poll them, also where it might before',
      ).conflicts('write'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  taxiway account grant esa1 esa-network esa-hashes\n  taxiway account grant sensor in --write-only',
    )
    .action((name: string, collections: string[], options: GrantOptions) =>
      asking(options, async (connection) => {
        const calls = accountCalls(connection)
        const { grants } = await calls.get(name)
        const granted: Grant[] = []
        for (const collection of collections) {
          const old = grants.find((one) => one.collection === collection)
          const read = options.writeOnly !== true
          const write = options.write === true || !read || old?.write === true
          granted.push(await after(granted, () => calls.grant(name, { collection, read, write })))
        }
        if (options.json) console.log(JSON.stringify({ name, grants: granted }))
        else {
          console.log(`${name} ${tellGranted(options)} ${collections.join(', ')}`)
        }
      }),
    )
  return askingCommand(command, jsonObject)
}

function tellGranted({ write, writeOnly }: GrantOptions): string {
  if (writeOnly) return 'may write to and not poll'
  return write ? 'may poll and write to' : 'may poll'
}

/** What was done before a failure stays done, and is told. */
async function after<T>(done: readonly Grant[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const names = done.map(({ collection }) => collection).join(', ')
    if (names !== '') console.error(`taxiway: done before that: ${names}`)
    throw error
  }
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description('take collections from an account')
    .argument('<name>')
    .argument('<collection...>')
    .option('--write', 'let it poll them still: it may only not change them any more')
    .addHelpText('after', '\nExample:\n  taxiway account revoke esa1 esa-hashes')
    .action((name: string, collections: string[], options: GrantOptions) =>
      asking(options, async (connection) => {
        const calls = accountCalls(connection)
        const { grants } = await calls.get(name)
        const done: Grant[] = []
        for (const collection of collections) {
          const old = grants.find((one) => one.collection === collection)
          const left = {
            collection,
            read: options.write === true && old?.read === true,
            write: false,
          }
          await after(done, () =>
            left.read ? calls.grant(name, left) : calls.revoke(name, collection),
          )
          done.push(left)
        }
        if (options.json) console.log(JSON.stringify({ name, grants: done }))
        else {
          const may = options.write ? 'may not change' : 'may neither poll nor change'
          console.log(`${name} ${may} ${collections.join(', ')}`)
        }
      }),
    )
  return askingCommand(command, jsonObject)
}

function ageOutCommand(): Command {
  const command = new Command('age-out')
    .description(`say ${ageOutMeaning}`)
    .argument('<name>')
    .argument('<days>', 'as set at the client, such as the Age of an ESA', parseDays)
    .addHelpText('after', '\nExample:\n  taxiway account age-out esa1 30')
    .action((name: string, clientAgeOutDays: number, options: AskingOptions) =>
      changing(name, { clientAgeOutDays }, options, () => {
        const days = clientAgeOutDays === 1 ? '1 day' : `${clientAgeOutDays} days`
        return `${name}'s client is taken to keep what it was sent for ${days}`
      }),
    )
  return askingCommand(command, jsonObject)
}

function roleCommand(): Command {
  const command = new Command('role')
    .description('give an account another role')
    .argument('<name>')
    .addArgument(new Argument('<role>').choices(roles))
    .addHelpText('after', '\nExample:\n  taxiway account role alice curator')
    .action((name: string, role: Role, options: AskingOptions) =>
      changing(name, { role }, options, () => `${name} is ${role} now`),
    )
  return askingCommand(command, jsonObject)
}

function disableCommand(): Command {
  const command = new Command('disable')
    .description('let nobody in by an account, whatever he shows')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  taxiway account disable esa1')
    .action((name: string, options: AskingOptions) =>
      changing(name, { disabled: true }, options, () => `${name} is let in no more`),
    )
  return askingCommand(command, jsonObject)
}

function enableCommand(): Command {
  const command = new Command('enable')
    .description('let an account in again')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  taxiway account enable esa1')
    .action((name: string, options: AskingOptions) =>
      changing(name, { disabled: false }, options, () => `${name} is let in again`),
    )
  return askingCommand(command, jsonObject)
}

function changing(
  name: string,
  change: AccountChange,
  options: AskingOptions,
  say: () => string,
): Promise<void> {
  return asking(options, async (connection) => {
    const changed = await accountCalls(connection).change(name, change)
    console.log(options.json ? JSON.stringify(changed) : say())
  })
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the accounts and what they may poll')
    .addHelpText('after', '\nExample:\n  taxiway account list')
    .action((options: AskingOptions) =>
      asking(options, (connection) =>
        printList(accountCalls(connection).list(), options.json, {
          headings: ['ACCOUNT', 'ROLE', 'CLIENT AGE-OUT', 'MAY POLL'],
          toRow,
        }),
      ),
    )
  return askingCommand(command, jsonLines)
}

function toRow({ name, role, disabled, clientAgeOutDays, grants, allCollections }: Account) {
  const reads = grants.filter(({ read }) => read).map(({ collection }) => collection)
  const may = allCollections ? 'every collection' : reads.join(', ')
  const days = clientAgeOutDays === 1 ? '1 day' : `${clientAgeOutDays} days`
  return [name, role, days, disabled ? '(disabled)' : may]
}

function showCommand(): Command {
  const command = new Command('show')
    .description('show what an account may do, and what proves it')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  taxiway account show esa1')
    .action((name: string, options: AskingOptions) =>
      asking(options, async (connection) => {
        const account = await accountCalls(connection).get(name)
        console.log(options.json ? JSON.stringify(account) : accountToText(account))
      }),
    )
  return askingCommand(command, jsonObject)
}
