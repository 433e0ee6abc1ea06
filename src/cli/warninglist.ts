import { Command } from 'commander'

export function warninglistCommand(): Command {
  return new Command('warninglist').description(
    'see and change the lists of what is known to be harmless',
  )
}
