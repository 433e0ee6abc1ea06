import type { Shell } from './completion.ts'
import { bashScript } from './completion-bash.ts'
import { fishScript } from './completion-fish.ts'
import type { CompletedCommand } from './completion-tree.ts'
import { zshScript } from './completion-zsh.ts'

/**
 * A script that completes these commands in a shell. What the commands are stands in it; names are asked
 * when they are wanted. Nothing in it evaluates what was typed, or what a name is.
 */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands)
}
