import { readFile } from 'node:fs/promises'
import { run } from '../../scripts/services/process.ts'

/** A command that a guide tells to type, and what it says that it prints. */
export interface Step {
  /** as a shell takes it */
  readonly command: string
  /** lines, without those that are left blank */
  readonly printed: readonly string[]
}

export interface Guide {
  /** files that it has its reader write, by name */
  readonly files: ReadonlyMap<string, string>
  readonly steps: readonly Step[]
  /** commands in running text */
  readonly mentioned: readonly string[]
}

export interface Typed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Where a guide's reader sits. */
export interface Desk {
  readonly folder: string
  /** whole: a bundle of CAs in it would override the one that a command names */
  readonly env: NodeJS.ProcessEnv
  /** what the guide writes, and what it is here */
  readonly addresses: readonly (readonly [written: string, here: string])[]
}

/** Types a command of a guide as it stands, but for addresses. */
export async function typeCommand(command: string, desk: Desk): Promise<Typed> {
  const { folder, env, addresses } = desk
  const typed = addresses.reduce((text, [written, here]) => text.replaceAll(written, here), command)
  const done = await run('bash', ['-c', `exec </dev/null; cd '${folder}' && ${typed}`], { env })
  const shown = (text: string) =>
    addresses.reduce(
      (shown, [written, here]) => shown.replaceAll(here, written),
      // cabby writes in colours.
      text.replace(new RegExp(`${String.fromCharCode(27)}\\[\\d*m`, 'g'), ''),
    )
  return { code: done.code, stdout: shown(done.stdout), stderr: shown(done.stderr) }
}

/** Reads a guide: blocks are indented, commands in them begin with a dollar sign, and output follows. */
export async function readGuide(path: URL): Promise<Guide> {
  const text = await readFile(path, 'utf8')
  const lines = text.split('\n')
  const steps: { command: string; printed: string[] }[] = []
  let indent: number | undefined
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] as string
    const found = /^( {4,})\$ (.*)$/.exec(line)
    if (found) {
      indent = (found[1] as string).length
      let command = found[2] as string
      while (command.endsWith('\\')) command += `\n${lines[++at]}`
      steps.push({ command, printed: [] })
    } else if (line.trim() !== '' && indent !== undefined) {
      if ((/^ */.exec(line)?.[0].length as number) < indent) indent = undefined
      else steps.at(-1)?.printed.push(line.slice(indent).trimEnd())
    }
  }
  const files = [...text.matchAll(/`([\w-]+\.yaml)`[^`\n]*:\n\n((?: {4}.*\n)+)/g)].map(
    ([, name = '', block = '']): [string, string] => [name, block.replace(/^ {4}/gm, '')],
  )
  const prose = lines.filter((line) => !/^ {4}/.test(line)).join('\n')
  const mentioned = [...prose.matchAll(/`((?:taxiway|curl|openssl)\s[^`…]+)`/g)].map(
    ([, command = '']) => command.replace(/\s+/g, ' '),
  )
  return { files: new Map(files), steps, mentioned: [...new Set(mentioned)] }
}

/**
 * A line of output as a pattern: numbers may be others, any run of blanks is as good as another, and an
 * ellipsis stands for whatever there is.
 */
export function patternOf(line: string): RegExp {
  const parts = line.trim().split(/(\s*…\s*|\s+|\d[\d,.:T-]*Z?)/)
  const source = parts.map((part) => {
    if (part.includes('…')) return '.*'
    if (part.trim() === '') return part === '' ? '' : '\\s+'
    if (/^\d/.test(part)) return '\\d[\\d,.:T-]*Z?'
    return part.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
  })
  return new RegExp(`^\\s*${source.join('')}\\s*$`)
}

/**
 * Looks for lines in what a program wrote to its two streams: in their order in each, for which a terminal
 * shows first is a matter of chance.
 * @returns the first line that is in neither; undefined: all are there
 */
export function findMissing(
  printed: readonly string[],
  streams: readonly string[],
): string | undefined {
  const rest = streams.map((text) => text.split('\n'))
  for (const line of printed) {
    if (line.trim() === '…') continue
    const pattern = patternOf(line)
    const lines = rest.find((some) => some.some((one) => pattern.test(one)))
    if (!lines) return line
    lines.splice(0, lines.findIndex((one) => pattern.test(one)) + 1)
  }
  return undefined
}
