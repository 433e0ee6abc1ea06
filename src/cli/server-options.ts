import { type Command, Option } from 'commander'
import type { ServerOptions } from './open-admin.ts'

/** Of a command that a server can be asked for. */
export interface AskingOptions extends ServerOptions {
  readonly json?: boolean
}

const group = 'A server on another machine:'

/**
 * Says which server is asked.
 * @param json what --json prints; undefined: the command has no --json
 */
export function askingCommand(command: Command, json: string | undefined): Command {
  if (json !== undefined) command.option('--json', json)
  return command
    .addOption(new Option('--url <url>', 'its address (TAXIWAY_URL)').helpGroup(group))
    .addOption(
      new Option(
        '--token-file <file>',
        'a token for it (TAXIWAY_TOKEN_FILE, TAXIWAY_TOKEN)',
      ).helpGroup(group),
    )
}

export const jsonLines = 'one JSON object a line'
export const jsonObject = 'one JSON object'
