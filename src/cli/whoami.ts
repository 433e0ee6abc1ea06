import { Command } from 'commander'
import { accountCalls, type OwnAccount } from '../admin/client/accounts.ts'
import { whatWritingIs } from './account-text.ts'
import { asking } from './asking.ts'
import { type AskingOptions, askingCommand, jsonObject } from './server-options.ts'
import { printable } from './table.ts'

export function whoamiCommand(): Command {
  const command = new Command('whoami')
    .description('show as whom commands are answered, by which proof, and what that permits')
    .addHelpText('after', '\nExample:\n  taxiway whoami')
    .action((options: AskingOptions) =>
      asking(options, async (connection) => {
        const account = await accountCalls(connection).whoAmI()
        console.log(
          options.json ? JSON.stringify(account) : whoamiToText(account, connection.where),
        )
      }),
    )
  return askingCommand(command, jsonObject)
}

function whoamiToText(account: OwnAccount, where: string): string {
  const { name, role, proof, permissions, allCollections, grants } = account
  const named = (right: 'read' | 'write') =>
    allCollections
      ? 'every collection'
      : grants.flatMap((one) => (one[right] ? [one.collection] : [])).join(', ') || 'no collection'
  const facts: [string, string][] = [
    ['asks', where],
    ['proved by', proofText[proof]],
    ['permissions', permissions.join(', ') || 'none'],
    ['may poll', named('read')],
    [whatWritingIs(role), named('write')],
  ]
  const width = Math.max(...facts.map(([what]) => what.length))
  const lines = facts.map(([what, fact]) => `  ${what.padEnd(width)}  ${printable(fact)}`)
  return [`${printable(name)}: ${role}`, ...lines].join('\n')
}

const proofText: Readonly<Record<OwnAccount['proof'], string>> = {
  password: 'a password',
  token: 'a token',
  jwt: 'a JWT',
  certificate: 'a client certificate',
  local: 'being on the machine itself, with its data folder or its store',
}
