import { Command, InvalidArgumentError, Option } from 'commander'
import { accountCalls, type Token } from '../admin/client/accounts.ts'
import { type Permission, permissions } from '../model/permission.ts'
import { asking } from './asking.ts'
import { parseId } from './parse-count.ts'
import { printList } from './print-list.ts'
import { type AskingOptions, askingCommand, jsonLines, jsonObject } from './server-options.ts'

export function tokenCommand(): Command {
  return new Command('token')
    .description('tokens, by which programs sign in')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand())
}

interface AddOptions extends AskingOptions {
  readonly name: string
  readonly scope?: readonly Permission[]
  readonly expires: number
}

function addCommand(): Command {
  const command = new Command('add')
    .description('make a token for an account and print it, once')
    .argument('<account>')
    .requiredOption('--name <name>', 'what it is for, to tell it by')
    .addOption(
      new Option('--scope <permission...>', 'let it do no more than this').choices(permissions),
    )
    .option('--expires <days>', 'when it ends, such as 90d; at most 366d', parseExpiry, 90)
    .addHelpText(
      'after',
      '\nExample:\n  taxiway account token add alice --name backup --scope ledger:read --expires 30d',
    )
    .action((account: string, { name, scope, expires, ...options }: AddOptions) =>
      asking(options, async (connection) => {
        const made = await accountCalls(connection).addToken(account, {
          name,
          expiresInDays: expires,
          ...(scope && { scopes: [...scope] }),
        })
        console.log(options.json ? JSON.stringify(made) : made.token)
        console.error(
          `It is shown this once and ends at ${made.expiresAt}. Give it to the program in a file that only it reads.`,
        )
        console.error(`To take it back: taxiway account token revoke ${account} ${made.id}`)
      }),
    )
  return askingCommand(command, jsonObject)
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the tokens of an account; the tokens themselves are kept by nobody')
    .argument('<account>')
    .addHelpText('after', '\nExample:\n  taxiway account token list alice')
    .action((account: string, options: AskingOptions) =>
      asking(options, (connection) =>
        printList(accountCalls(connection).listTokens(account), options.json, {
          headings: ['ID', 'NAME', 'ENDS WITH', 'MAY', 'EXPIRES', 'LAST USED', 'STATE'],
          toRow,
          none: `${account} has no token.`,
        }),
      ),
    )
  return askingCommand(command, jsonLines)
}

function toRow(token: Token): readonly (string | number)[] {
  const { id, name, hint, scopes, expiresAt, lastUsedAt } = token
  const may = scopes === null ? 'all of its role' : scopes.join(', ')
  return [id, name, hint, may, expiresAt, lastUsedAt ?? 'never', stateOf(token)]
}

function stateOf({ revokedAt, expiresAt }: Token): string {
  if (revokedAt !== null) return 'revoked'
  return Date.parse(expiresAt) <= Date.now() ? 'expired' : 'valid'
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description('let nobody in by a token any more')
    .argument('<account>')
    .argument('<id>', 'as the list has it', parseId)
    .addHelpText('after', '\nExample:\n  taxiway account token revoke alice 7')
    .action((account: string, id: number, options: AskingOptions) =>
      asking(options, async (connection) => {
        await accountCalls(connection).revokeToken(account, id)
        const text = `the token ${id} of ${account} is accepted no more`
        console.log(options.json ? JSON.stringify({ account, id, revoked: true }) : text)
      }),
    )
  return askingCommand(command, jsonObject)
}

function parseExpiry(text: string): number {
  const days = Number(/^(\d{1,3})d?$/.exec(text)?.[1])
  if (days >= 1 && days <= 366) return days
  throw new InvalidArgumentError('must be a number of days from 1d to 366d.')
}
