import type { Observed } from './observed.ts'
import type { TextTable } from './text-table.ts'
import { prepareNames } from './warninglist-names.ts'
import { prepareNetworks } from './warninglist-networks.ts'
import { preparePatterns } from './warninglist-patterns.ts'
import { prepareStrings } from './warninglist-strings.ts'
import { prepareSubstrings } from './warninglist-substrings.ts'
import type { Warninglist } from './warninglists.ts'

export type WarninglistContent = Pick<Warninglist, 'kind' | 'types' | 'entries'>

export interface FoundEntry {
  readonly entry: string
  readonly whole: boolean
}

/** A list in the form in which it is looked through. */
export interface PreparedWarninglist {
  find(observed: Observed): FoundEntry | undefined
  /** where it finds nothing but what stands here: by the hash of the value, its host or a parent of that */
  readonly texts?: TextTable
}

/** Is told of each entry that is left out; `problem` completes the sentence "the entry …". */
export type OnUnusable = (index: number, problem: string) => void

const prepare = {
  string: prepareStrings,
  hostname: prepareNames,
  cidr: prepareNetworks,
  substring: prepareSubstrings,
  regex: preparePatterns,
} as const

export function prepareWarninglist(
  content: WarninglistContent,
  onUnusable: OnUnusable = () => {},
): PreparedWarninglist {
  return prepare[content.kind](content, onUnusable)
}
