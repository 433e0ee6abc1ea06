import { execFile } from 'node:child_process'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import t from 'tap'
import { findProgram } from '../../scripts/services/process.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { makeFolder, runTaxiway, startService } from '../helpers/taxiway.ts'

const run = promisify(execFile)
const folder = await makeFolder(t)
const settings = {
  TAXIWAY_DATABASE_URL: (await createTestDatabase(t)).url,
  TAXIWAY_DATA_DIR: join(folder, 'data'),
}
const shim = join(folder, 'taxiway')
// Names come from a file: the program gives up after 300 ms, which a busy machine may need to start it.
const namesFile = join(folder, 'names')
await writeFile(shim, `#!/bin/sh\n[ "$*" = 'completion names accounts' ] && cat '${namesFile}'\n`)
await writeFile(namesFile, '')
await chmod(shim, 0o755)
const env = {
  ...settings,
  PATH: [folder, process.env.PATH].join(delimiter),
  HOME: folder,
  LC_ALL: 'C.UTF-8',
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
}

const scripts: Record<string, string> = {}
for (const shell of ['bash', 'zsh', 'fish']) {
  const { code, stdout, stderr } = await runTaxiway(t, ['completion', shell], {})
  if (code !== 0) throw new Error(stderr)
  scripts[shell] = join(folder, `completion.${shell}`)
  await writeFile(scripts[shell], stdout)
}

/** Names that a shell would run, part or unfold if they were not taken as they are. */
const touch = `touch ${join(folder, 'run')}`
const names = [
  `evil$(${touch})`,
  `evil\`${touch}\``,
  `evil;${touch}`,
  'evil *',
  "evil's",
  'esa@home',
  'esa@work',
]

interface Completed {
  /** what the shell offers for the last word of a line, as it would stand there */
  complete(line: string, words: readonly string[]): Promise<readonly string[]>
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

/** As bash itself calls it; it parts words at @, which readline does before. */
const bash: Completed = {
  async complete(line, words) {
    const call = `source "$1"; shift; COMP_LINE=$1; shift; COMP_POINT=\${#COMP_LINE}
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _taxiway; printf '%s\\n' "\${COMPREPLY[@]}"`
    const args = ['--norc', '-c', call, 'bash', String(scripts.bash), line, ...words]
    return linesOf((await run('bash', args, { env, cwd: folder })).stdout)
  },
}

const fish: Completed = {
  async complete(line) {
    const call = `source ${scripts.fish}; complete -C ${JSON.stringify(line).replaceAll('$', '\\$')}`
    const { stdout } = await run('fish', ['--no-config', '-c', call], { env, cwd: folder })
    return linesOf(stdout).map((one) => one.split('\t', 1)[0] as string)
  },
}

/** The two words of zsh that offer something are made to print it. */
const zsh: Completed = {
  async complete(_line, words) {
    const call = `compdef() { }
      compadd() { [[ $1 == -a ]] && print -rl -- "\${(@P)2}" || { shift; print -rl -- "$@" } }
      _describe() { local one; for one in "\${(@P)3}"; do print -r -- "\${one%%:*}"; done }
      source "$1"; shift; words=("$@"); CURRENT=$#; PREFIX=\${words[-1]}; _taxiway`
    const args = ['-f', '-c', call, 'zsh', String(scripts.zsh), ...words]
    const { stdout } = await run('zsh', args, { env, cwd: folder })
    return linesOf(stdout).filter((one) => one.startsWith(words.at(-1) ?? ''))
  },
}

async function holdShell(t: Test, shell: Completed) {
  const wordsOf = (line: string) => line.split(' ')
  const complete = (line: string) => shell.complete(line, wordsOf(line))
  t.strictSame(await complete('taxiway acc'), ['account'])
  t.strictSame(await complete('taxiway account tok'), ['token'])
  t.strictSame((await complete('taxiway account token ')).toSorted(), [
    ...['add', 'help', 'list', 'revoke'],
  ])
  t.strictSame(await complete('taxiway account add x --role c'), ['curator'])
  t.strictSame(await complete('taxiway account add x --passwordl'), ['--passwordless'])
  t.strictSame((await complete('taxiway account role x ')).toSorted(), [
    'administrator',
    'curator',
    'reader',
    'responder',
  ])
  t.strictSame(await complete('taxiway account add '), [], 'a new name is not known')
  t.strictSame(await complete('taxiway nothing '), [])
  t.strictSame(await complete(`taxiway account $(${touch}) `), [])
}

const shells: [string, Completed][] = [
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
]

for (const [name, shell] of shells) {
  const skip = findProgram(name) ? false : `${name} is not installed`
  t.test(`${name} completes commands, options and their values`, { skip }, (t) =>
    holdShell(t, shell),
  )
}

t.test('with no server, names are none, at once and without a word', async (t) => {
  t.strictSame(await runTaxiway(t, ['completion', 'names', 'accounts'], settings), {
    code: 0,
    stdout: '',
    stderr: '',
  })
  const wrong = { ...settings, TAXIWAY_PORT: 'none' }
  t.match(await runTaxiway(t, ['completion', 'names', 'sources'], wrong), { code: 0, stderr: '' })
})

t.test('names are those of the running server', async (t) => {
  await startService(t, settings)
  const [first = ''] = names
  for (const name of [first, 'esa@home']) {
    const { code } = await runTaxiway(t, ['account', 'add', name, '--passwordless'], settings)
    t.equal(code, 0)
  }
  let stdout = ''
  // It gives up in time, which a busy machine may need for less.
  while (stdout === '') {
    const told = await runTaxiway(t, ['completion', 'names', 'accounts'], settings)
    t.strictSame([told.code, told.stderr], [0, ''])
    stdout = told.stdout
  }
  t.strictSame(linesOf(stdout).toSorted(), ['admin', 'esa@home', first])
})

t.test('names are only ever names', async (t) => {
  await writeFile(namesFile, names.map((name) => `${name}\n`).join(''))
  const line = 'taxiway account show e'
  const wanted = names.toSorted()
  if (findProgram('fish')) {
    t.strictSame((await fish.complete(line, [])).toSorted(), wanted, 'fish')
  }
  if (findProgram('zsh')) {
    t.strictSame((await zsh.complete(line, line.split(' '))).toSorted(), wanted, 'zsh')
  }
  const offered = await bash.complete(line, line.split(' '))
  t.equal(offered.length, names.length)
  // What bash puts into the line is, read by bash, the name and nothing else.
  const read = await run('bash', ['--norc', '-c', `printf '%s\\n' ${offered.join(' ')}`], {
    env,
    cwd: folder,
  })
  t.strictSame(linesOf(read.stdout).toSorted(), wanted)
  t.strictSame(
    await bash.complete('taxiway account show esa@h', [
      ...['taxiway', 'account', 'show', 'esa', '@', 'h'],
    ]),
    ['home'],
    'the part behind the sign at which bash parts words',
  )
  t.strictSame(
    await bash.complete('taxiway account role esa@home cu', [
      ...['taxiway', 'account', 'role', 'esa', '@', 'home', 'cu'],
    ]),
    ['curator'],
  )
  t.strictSame(
    await bash.complete("taxiway account show 'evil *", ['taxiway', 'account', 'show', "'evil *"]),
    ['evil *'],
  )
  t.notOk((await readdir(folder)).includes('run'), 'nothing of a name was run')
})
