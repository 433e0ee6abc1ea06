import { Argument, Command } from 'commander'
import { completedCommands, type NameKind, nameKinds } from './completion-tree.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function completionCommand(): Command {
  const names = new Command('names')
    .description('print names for a script of completion; nothing where no server answers')
    .addArgument(new Argument('<kind>').choices(nameKinds))
    .addHelpText('after', '\nExample:\n  taxiway completion names accounts')
    .action(async (kind: NameKind) => {
      const { printNames } = await import('./completion-names.ts')
      await printNames(kind)
    })
  const command = new Command('completion')
    .description('print a script that lets a shell complete commands, options and names')
    .addHelpText(
      'after',
      '\nNames of accounts, collections and sources are those of the service that runs on this machine.' +
        '\n\nExamples:' +
        '\n  taxiway completion bash > ~/.local/share/bash-completion/completions/taxiway' +
        '\n  taxiway completion zsh > ~/.zfunc/_taxiway' +
        '\n  taxiway completion fish > ~/.config/fish/completions/taxiway.fish',
    )
    .addCommand(names, { hidden: true })
  for (const shell of shells) command.addCommand(shellCommand(shell))
  return command
}

function shellCommand(shell: Shell): Command {
  return new Command(shell)
    .description(`print the script for ${shell}`)
    .addHelpText('after', `\nExample:\n  taxiway completion ${shell}`)
    .action(async () => {
      const { buildProgram } = await import('./program.ts')
      const { completionScript } = await import('./completion-script.ts')
      process.stdout.write(
        completionScript(shell, completedCommands(await buildProgram(undefined))),
      )
    })
}
