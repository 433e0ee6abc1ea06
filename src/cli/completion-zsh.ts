import { casesOf, offer, quoted, walkWord } from './completion-cases.ts'
import type { CompletedCommand, Described } from './completion-tree.ts'

export function zshScript(commands: readonly CompletedCommand[]): string {
  const described = (entries: readonly Described[]) =>
    `list=(${entries
      .map(({ name, description }) => quoted(`${name.replaceAll(':', '\\:')}:${description}`))
      .join(' ')}); _describe -V 'taxiway' list`
  const cases = casesOf(commands, {
    values: (values) =>
      values.kind === 'words'
        ? `compadd -- ${values.words.map(quoted).join(' ')}`
        : values.kind === 'names'
          ? `_taxiway_names ${values.of}`
          : '_files',
    described,
  })
  return `#compdef taxiway
# Completion of taxiway for zsh, printed by: taxiway completion zsh

_taxiway_names() {
  local -a names
  names=("\${(@f)$(command taxiway completion names $1 2>/dev/null </dev/null)}")
  names=("\${(@)names:#}")
  compadd -a names
}

_taxiway() {
  local at='' option='' takes='' word
  local -i place=0 i
  local -a list
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
${walkWord(cases)}  done
${offer(cases, '$PREFIX')}}

# As a file in $fpath it is the body of the function that zsh loads by itself.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _taxiway "$@"
else
  compdef _taxiway taxiway
fi
`
}
