import { Option } from 'commander'
import { passwordFault } from '../model/account.ts'
import { ConfigError } from '../model/errors.ts'
import { askOnTerminal, readTextFile } from './poll-password.ts'

export interface PasswordOptions {
  readonly passwordFile?: string
  readonly passwordPrompt?: boolean
}

export const passwordOptions = () => [
  new Option(
    '--password-file <file>',
    'take the password from its first line, not make one',
  ).conflicts('passwordPrompt'),
  new Option('--password-prompt', 'ask for the password on the terminal, twice'),
]

/**
 * @returns undefined where the server is to make one
 * @throws ConfigError where it is no password, or was typed otherwise the second time
 */
export async function readNewPassword(
  { passwordFile, passwordPrompt }: PasswordOptions,
  account: string,
): Promise<string | undefined> {
  if (passwordFile !== undefined) {
    const password = (await readTextFile(passwordFile)).split(/\r?\n/, 1)[0] ?? ''
    const fault = passwordFault(password)
    if (fault) throw new ConfigError(`the first line of ${passwordFile} ${fault}`)
    return password
  }
  if (!passwordPrompt) return undefined
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new ConfigError('--password-prompt needs a terminal; without one: --password-file FILE')
  }
  const password = await askOnTerminal(`New password of ${account}: `)
  const fault = passwordFault(password)
  if (fault) throw new ConfigError(`the password ${fault}`)
  if ((await askOnTerminal('The same again: ')) !== password) {
    throw new ConfigError('the second password was not the first; nothing was changed')
  }
  return password
}
