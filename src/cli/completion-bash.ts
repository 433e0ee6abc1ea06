import { casesOf, offer, quoted, walkWord } from './completion-cases.ts'
import type { CompletedCommand } from './completion-tree.ts'

/** For bash 3.2 and later. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const words = (list: readonly string[]) => `_taxiway_words ${list.map(quoted).join(' ')}`
  const cases = casesOf(commands, {
    values: (values) =>
      values.kind === 'words'
        ? words(values.words)
        : values.kind === 'names'
          ? `_taxiway_names ${values.of}`
          : '_taxiway_files',
    described: (entries) => words(entries.map(({ name }) => name)),
  })
  return `# Completion of taxiway for bash, printed by: taxiway completion bash

# Offers a word that begins as what was typed. bash parts words at signs such as @ too: what comes
# before the last of them stays as it is.
_taxiway_offer() {
  local name=$1 written
  case "$_taxiway_typed" in
    \\'*)
      case "$name" in *\\'*) return ;; esac
      written="'$name" ;;
    \\"*)
      case "$name" in *[\\\\\\"\\$\\\`!]*) return ;; esac
      written="\\"$name" ;;
    *) printf -v written '%q' "$name" ;;
  esac
  case "$written" in
    "$_taxiway_typed"*)
      written=\${written#"$_taxiway_lead"}
      case "$_taxiway_typed" in [\\'\\"]*) written=\${written#[\\'\\"]} ;; esac
      COMPREPLY+=("$written") ;;
  esac
}

_taxiway_words() {
  local word
  for word in "$@"; do _taxiway_offer "$word"; done
}

_taxiway_names() {
  local name
  while IFS= read -r name; do
    _taxiway_offer "$name"
  done < <(command taxiway completion names "$1" 2>/dev/null </dev/null)
}

_taxiway_files() {
  compopt -o default 2>/dev/null
}

_taxiway() {
  local at='' option='' takes='' place=0 word i
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_LINE:0:COMP_POINT}
  local _taxiway_typed=$cur _taxiway_lead=''
  local pattern='(([^[:blank:]\\"'\\''\\\\]|\\\\.|"[^"]*"?|'\\''[^'\\'']*'\\''?)*)$'
  if [[ $before =~ $pattern ]]; then _taxiway_typed=\${BASH_REMATCH[1]}; fi
  case "$_taxiway_typed" in *"$cur") _taxiway_lead=\${_taxiway_typed%"$cur"} ;; esac
  local end=$COMP_CWORD rest=$_taxiway_lead
  while ((end > 1)) && [[ -n $rest && $rest == *"\${COMP_WORDS[end - 1]}" ]]; do
    end=$((end - 1))
    rest=\${rest%"\${COMP_WORDS[end]}"}
  done
  COMPREPLY=()
  for ((i = 1; i < end; i++)); do
    word=\${COMP_WORDS[i]}
    case "$word" in
      # Within a word: what follows is of it too.
      [@=:]*) i=$((i + 1)); continue ;;
    esac
${walkWord(cases)}  done
${offer(cases, '$_taxiway_typed')}}

complete -F _taxiway taxiway
`
}
