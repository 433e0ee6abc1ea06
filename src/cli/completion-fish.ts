import type { CompletedCommand, CompletedOption, Values } from './completion-tree.ts'

export function fishScript(commands: readonly CompletedCommand[]): string {
  const options = commands.flatMap(({ path, options }) =>
    options.map((option) => ({ path, option })),
  )
  const patterns = (takes: CompletedOption['takes']) =>
    options
      .filter(({ option }) => option.takes === takes)
      .flatMap(({ path, option }) => option.flags.map((flag) => quoted(`${path} ${flag}`)))
      .join(' ')
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  return `# Completion of taxiway for fish, printed by: taxiway completion fish

# Prints the command that the line is in, and how many words without a dash stand behind it.
function __taxiway_place
    set -l at ''
    set -l place 0
    set -l takes ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $place -eq 0 -a -z "$takes"
            switch "$at/$word"
                case ${paths.join(' ')}
                    set at "$at/$word"
                    continue
            end
        end
        switch "$word"
            case '-*'
                switch "$at $word"
                    case ${patterns('one value')}
                        set takes one
                    case ${patterns('values')}
                        set takes many
                    case '*'
                        set takes ''
                end
            case '*'
                if test -z "$takes"
                    set place (math $place + 1)
                else if test "$takes" = one
                    set takes ''
                end
        end
    end
    echo $at
    echo $place
end

# Whether the line is in a command, with so many words behind it; least and most, -1: any number.
function __taxiway_at
    set -l now (__taxiway_place)
    test "$now[1]" = "$argv[1]"; or return 1
    test (count $argv) -lt 2; and return 0
    test $now[2] -ge $argv[2]; or return 1
    test $argv[3] -eq -1; or test $now[2] -le $argv[3]
end

function __taxiway_names
    command taxiway completion names $argv[1] 2>/dev/null </dev/null
end

complete -c taxiway -f
${commands.flatMap(linesOf).join('\n')}
`
}

function linesOf({ path, subcommands, options, places }: CompletedCommand): string[] {
  const where = (...range: readonly number[]) =>
    `-n ${quoted([`__taxiway_at ${quoted(path)}`, ...range].join(' '))}`
  return [
    ...subcommands.map(
      ({ name, description }) =>
        `complete -c taxiway ${where(0, 0)} -a ${quoted(name)} -d ${quoted(description)}`,
    ),
    ...options.map(({ flags, description, takes, values }) => {
      const names = flags.map((flag) =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      )
      const value = takes === 'nothing' ? '' : ` ${valueFlags(values)}`
      return `complete -c taxiway ${where()} ${names.join(' ')}${value} -d ${quoted(description)}`
    }),
    ...places.flatMap(({ values, isVariadic }, index) =>
      values
        ? [`complete -c taxiway ${where(index, isVariadic ? -1 : index)} ${valueFlags(values)}`]
        : [],
    ),
  ]
}

function valueFlags(values: Values | undefined): string {
  if (values === undefined) return '-x'
  if (values.kind === 'files') return '-r -F'
  if (values.kind === 'words') return `-x -a ${quoted(values.words.join(' '))}`
  return `-x -a ${quoted(`(__taxiway_names ${values.of})`)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
