import type { CompletedCommand, Values } from './completion-tree.ts'

/** A text that a shell takes as it is. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The lines of a script that tell by what stands before a word what the word may be. */
export interface Cases {
  /** patterns of what is followed by a command: where one is, and the command */
  readonly commands: readonly string[]
  /** patterns of options that take one value, and of those that take several, behind where one is */
  readonly oneValue: readonly string[]
  readonly manyValues: readonly string[]
  readonly flags: readonly Case[]
  readonly subcommands: readonly Case[]
  readonly optionValues: readonly Case[]
  /** in their order: the first that fits counts */
  readonly places: readonly Case[]
}

export interface Case {
  readonly pattern: string
  readonly action: string
}

export interface Actions {
  values(values: Values): string
  /** of flags or commands */
  described(entries: readonly { readonly name: string; readonly description: string }[]): string
}

/** For bash and zsh, whose `case` is the same. */
export function casesOf(commands: readonly CompletedCommand[], actions: Actions): Cases {
  const options = commands.flatMap(({ path, options }) =>
    options.map((option) => ({ path, option })),
  )
  const patterns = (takes: 'one value' | 'values') =>
    options
      .filter(({ option }) => option.takes === takes)
      .flatMap(({ path, option }) => option.flags.map((flag) => quoted(`${path} ${flag}`)))
  return {
    commands: commands.filter(({ path }) => path !== '').map(({ path }) => quoted(path)),
    oneValue: patterns('one value'),
    manyValues: patterns('values'),
    flags: commands.map(({ path, options }) => ({
      pattern: quoted(path),
      action: actions.described(
        options.flatMap(({ flags, description }) => flags.map((name) => ({ name, description }))),
      ),
    })),
    subcommands: commands
      .filter(({ subcommands }) => subcommands.length > 0)
      .map(({ path, subcommands }) => ({
        pattern: quoted(path),
        action: actions.described(subcommands),
      })),
    optionValues: options.flatMap(({ path, option: { flags, values } }) =>
      values
        ? flags.map((flag) => ({
            pattern: quoted(`${path} ${flag}`),
            action: actions.values(values),
          }))
        : [],
    ),
    places: commands.flatMap(({ path, places }) =>
      places.flatMap(({ values, isVariadic }, index) =>
        values
          ? [
              {
                pattern: isVariadic ? `${quoted(`${path} `)}*` : quoted(`${path} ${index}`),
                action: actions.values(values),
              },
            ]
          : [],
      ),
    ),
  }
}

function caseLines(cases: readonly Case[], indent: string): string {
  return cases.map(({ pattern, action }) => `${indent}${pattern}) ${action} ;;`).join('\n')
}

/**
 * The lines for bash and zsh that follow one `$word` of the line: `$at` is the command so far, `$place` counts
 * its arguments, `$option` is the option that still takes values and `$takes` says how many.
 */
export function walkWord(cases: Cases): string {
  return `    case "$at/$word" in
      ${cases.commands.join(' | ')})
        if [[ $place == 0 && -z $option ]]; then
          at="$at/$word"
          continue
        fi ;;
    esac
    case "$word" in
      -*)
        option=$word
        case "$at $word" in
          ${cases.oneValue.join(' | ')}) takes=one ;;
          ${cases.manyValues.join(' | ')}) takes=many ;;
          *) option='' ;;
        esac ;;
      *)
        if [[ -z $option ]]; then place=$((place + 1))
        elif [[ $takes == one ]]; then option=''
        fi ;;
    esac
`
}

/** The lines for bash and zsh that offer what fits behind that. @param typed the last word, as far as it is typed */
export function offer(cases: Cases, typed: string): string {
  return `  case "${typed}" in
    -*)
      case "$at" in
${caseLines(cases.flags, '        ')}
      esac
      return ;;
  esac
  if [[ -n $option ]]; then
    case "$at $option" in
${caseLines(cases.optionValues, '      ')}
    esac
    return
  fi
  if [[ $place == 0 ]]; then
    case "$at" in
${caseLines(cases.subcommands, '      ')}
    esac
  fi
  case "$at $place" in
${caseLines(cases.places, '    ')}
  esac
`
}
