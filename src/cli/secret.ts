import { Command } from 'commander'
import { type SecretList, serviceCalls } from '../admin/client/service.ts'
import { asking } from './asking.ts'
import { secretResetCommand } from './secret-reset.ts'
import { type AskingOptions, askingCommand, jsonLines, jsonObject } from './server-options.ts'
import { formatTable } from './table.ts'

export function secretCommand(): Command {
  return new Command('secret')
    .description('what is kept sealed, and the key that seals it')
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(secretResetCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list what is sealed, and under which key; never what it is')
    .addHelpText('after', '\nExample:\n  taxiway secret list')
    .action((options: AskingOptions) =>
      asking(options, async (connection) => {
        const list = await serviceCalls(connection).listSecrets()
        if (options.json) for (const one of list.secrets) console.log(JSON.stringify(one))
        else console.log(listToText(list))
      }),
    )
  return askingCommand(command, jsonLines)
}

function listToText({ keyId, previousKeyId, nextKeyId, secrets }: SecretList): string {
  const lines = [
    keyId === 'none'
      ? 'The store has no key yet: the service gives it one at its first start.'
      : `The key is ${keyId}.`,
  ]
  if (previousKeyId !== null) lines.push(`The one before, ${previousKeyId}, is accepted still.`)
  if (nextKeyId !== null) {
    lines.push(`"taxiway secret rotate" puts everything under ${nextKeyId}.`)
  }
  if (secrets.length === 0) return [...lines, 'No secret is kept.'].join('\n')
  const rows = secrets.map((one) => [one.name, one.keyId, one.changedAt])
  return [...lines, '', formatTable(['SECRET', 'KEY', 'CHANGED'], rows)].join('\n')
}

function rotateCommand(): Command {
  const command = new Command('rotate')
    .description('put everything that is sealed under the next key, as docs/security.md tells')
    .addHelpText('after', '\nExample:\n  taxiway secret rotate')
    .action((options: AskingOptions) =>
      asking(options, async (connection) => {
        const calls = serviceCalls(connection)
        const before = (await calls.listSecrets()).keyId
        const rotated = await calls.rotateSecrets()
        if (options.json) return console.log(JSON.stringify(rotated))
        if (rotated.keyId === before && rotated.rewrapped === 0) {
          return console.log(
            `The key is ${before}, as before: there is no other to change to. Give every process a new TAXIWAY_SECRET_KEY, and this one as TAXIWAY_SECRET_KEY_PREVIOUS, and run this again.`,
          )
        }
        console.log(
          `Everything is sealed under the key ${rotated.keyId} now; ${rotated.rewrapped} of it was not.`,
        )
      }),
    )
  return askingCommand(command, jsonObject)
}
