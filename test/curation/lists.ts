import {
  compileWarninglists,
  type FindOnWarninglists,
  type Warninglist,
} from '../../src/curation/warninglists.ts'

export function aList(change: Partial<Warninglist>): Warninglist {
  const name = change.name ?? 'known'
  const list: Warninglist = {
    name,
    title: name,
    kind: 'string',
    effect: 'block',
    types: ['domain', 'url'],
    entries: [],
    digest: '',
    ...change,
  }
  return { ...list, digest: JSON.stringify([list.kind, list.types, list.entries]) }
}

export function look(...lists: readonly Warninglist[]): FindOnWarninglists {
  return compileWarninglists(lists)
}
