import { Command } from 'commander'

export function sourceCommand(): Command {
  return new Command('source').description('look at where indicators come from')
}
