import type { Argument, Command, Option } from 'commander'

/** What may stand in a place of the command line. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** asked of the running server */
  | { readonly kind: 'names'; readonly of: NameKind }
  | { readonly kind: 'files' }

export const nameKinds = ['accounts', 'collections', 'sources'] as const
export type NameKind = (typeof nameKinds)[number]

export interface Described {
  readonly name: string
  readonly description: string
}

export interface CompletedOption {
  /** such as --role, and its short form where it has one */
  readonly flags: readonly string[]
  readonly description: string
  readonly takes: 'nothing' | 'one value' | 'values'
  readonly values: Values | undefined
}

export interface CompletedPlace {
  /** and all after it */
  readonly isVariadic: boolean
  readonly values: Values | undefined
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** `/account/add`; the empty text is the program itself */
  readonly path: string
  readonly subcommands: readonly Described[]
  readonly options: readonly CompletedOption[]
  readonly places: readonly CompletedPlace[]
}

/** All commands below one, the hidden ones left out. */
export function completedCommands(program: Command, path = ''): readonly CompletedCommand[] {
  const help = program.createHelp()
  const visible = help.visibleCommands(program)
  const own: CompletedCommand = {
    path,
    subcommands: visible.map((one) => ({
      name: one.name(),
      description: help.subcommandDescription(one),
    })),
    options: help.visibleOptions(program).map((option) => toOption(option, path)),
    places: program.registeredArguments.map((argument) => ({
      isVariadic: argument.variadic,
      values: valuesOf(argument, argument.name(), path),
    })),
  }
  const below = visible
    .filter((one) => one.name() !== 'help')
    .flatMap((one) => completedCommands(one, `${path}/${one.name()}`))
  return [own, ...below]
}

function toOption(option: Option, path: string): CompletedOption {
  const { long, short, description, required, optional, variadic, flags } = option
  const takesValue = required || optional
  const valueName = /[<[]([^\]>.]+)/.exec(flags)?.[1] ?? ''
  return {
    flags: [long, short].flatMap((flag) => flag ?? []),
    description,
    takes: takesValue ? (variadic ? 'values' : 'one value') : 'nothing',
    values: takesValue ? valuesOf(option, valueName, path) : undefined,
  }
}

/** By what a value is called in the help. */
function valuesOf(
  { argChoices }: Pick<Option | Argument, 'argChoices'>,
  name: string,
  path: string,
): Values | undefined {
  if (argChoices) return { kind: 'words', words: argChoices }
  if (/^(file|pem|path|dir|folder)$/.test(name)) return { kind: 'files' }
  if (name === 'account') return { kind: 'names', of: 'accounts' }
  if (name === 'collection') return { kind: 'names', of: 'collections' }
  const [, group = '', command = ''] = path.split('/')
  // What does not exist yet has no name to be completed.
  const of = name === 'name' && command !== 'add' ? named[group] : undefined
  return of && { kind: 'names', of }
}

const named: Readonly<Record<string, NameKind>> = {
  account: 'accounts',
  collection: 'collections',
  source: 'sources',
}
