import { Command } from 'commander'

export function judgingCommand(): Command {
  return new Command('judging').description('see and change how assertions are judged')
}
