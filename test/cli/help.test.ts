import type { Command } from 'commander'
import t from 'tap'
import { buildProgram } from '../../src/cli/program.ts'

/** All commands, with the words that call each. */
function allCommands(command: Command, path: readonly string[] = []): [string, Command][] {
  const below = command.commands.flatMap((one) => allCommands(one, [...path, one.name()]))
  return [[path.join(' '), command], ...below]
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (piece) => (text += piece) })
  command.outputHelp()
  return text
}

/** What the help shows as examples: indented lines at its end. */
function examplesOf(command: Command): readonly string[] {
  const lines = helpOf(command).trimEnd().split('\n')
  const heading = lines.findLastIndex((line) => /^Examples?(, [^:]+)?:$/.test(line))
  if (heading < 0) return []
  return lines
    .slice(heading + 1)
    .filter((line) => line.startsWith('  taxiway '))
    .map((line) => line.trim())
}

/** As a shell parts it, up to where its output goes. */
function wordsOf(line: string): readonly string[] {
  const [typed = ''] = line.split(/ [|>] /, 1)
  return [...typed.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  )
}

t.test('the help of every command ends with an example that is accepted', async (t) => {
  const commands = allCommands(await buildProgram(undefined))
  t.ok(commands.length > 50)
  for (const [path, command] of commands) {
    const examples = examplesOf(command)
    t.ok(examples.length > 0, `taxiway ${path} shows an example`)
    for (const example of examples) {
      const program = await buildProgram(undefined)
      const called: string[] = []
      for (const [name, one] of allCommands(program)) {
        if (one.commands.length === 0) one.action(() => void called.push(name))
        one.configureOutput({ writeErr: () => {} })
      }
      const [, ...words] = wordsOf(example)
      await t.resolves(program.parseAsync(words, { from: 'user' }), example)
      t.equal(called.length, 1, example)
      t.ok(path === '' || `${called[0]} `.startsWith(`${path} `), `${example} is one of ${path}`)
    }
  }
})

t.test('only what is asked for is loaded, and it is the same command', async (t) => {
  const one = await buildProgram('account')
  t.strictSame(
    one.commands.map((command) => command.name()),
    ['account'],
  )
  const all = await buildProgram(undefined)
  const account = all.commands.find((command) => command.name() === 'account') as Command
  t.equal(helpOf(one.commands[0] as Command), helpOf(account))
})
