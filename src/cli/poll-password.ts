import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { ConfigError } from '../model/errors.ts'

/**
 * Finds the password where no other user of the machine can see it: in a file, on standard input, or by asking.
 * @param file `-` is standard input; undefined: asks on the terminal
 * @throws ConfigError where there is none to be had
 */
export async function readPassword(file: string | undefined, account: string): Promise<string> {
  // What is typed there is not to be seen either.
  if (file === '-' && !process.stdin.isTTY)
    return firstLine(await text(process.stdin), 'standard input')
  if (file !== undefined && file !== '-') return firstLine(await readTextFile(file), file)
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new ConfigError(
      'no password was given: --password-file FILE, or - for standard input; on a terminal it is asked for',
    )
  }
  return askOnTerminal(`Password of ${account}: `)
}

/** @throws ConfigError */
export async function readTextFile(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${file} cannot be read (${cause.code})`, { cause })
  })
}

function firstLine(content: string, where: string): string {
  const line = content.split(/\r?\n/, 1)[0] ?? ''
  if (line === '')
    throw new ConfigError(`the first line of ${where} is empty: it has to be the password`)
  return line
}

/** Shows nothing of what is typed. */
export function askOnTerminal(question: string): Promise<string> {
  const { stdin, stderr } = process
  // Before it asks: what is typed at once would be shown.
  stdin.setRawMode(true)
  stderr.write(question)
  stdin.setEncoding('utf8')
  stdin.resume()
  return new Promise((resolve, reject) => {
    let typed = ''
    const finish = (end: () => void) => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      end()
    }
    const onData = (piece: string) => {
      for (const character of piece) {
        if (character === '\r' || character === '\n') return finish(() => resolve(typed))
        // Ctrl-C and Ctrl-D do not arrive as signals here.
        if (character === '\u0003' || character === '\u0004') {
          return finish(() => reject(new ConfigError('no password was typed')))
        }
        if (character === '\u007f' || character === '\b') typed = [...typed].slice(0, -1).join('')
        else if (character >= ' ') typed += character
      }
    }
    stdin.on('data', onData)
  })
}
