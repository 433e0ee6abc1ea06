import type { CollectionView } from '../admin/collection-schema.ts'
import { printable } from './table.ts'

/** A collection as people read it; its settings are called as in the file of `taxiway apply`. */
export function collectionToText(collection: CollectionView): string {
  const { name, description, rule, streams, behind, access, pageSize, refreshDays } = collection
  const facts: [string, string][] = [
    ['type', collection.type],
    ['rule', JSON.stringify(rule)],
    ['inbox', String(collection.inbox)],
    ['maxTlp', collection.maxTlp],
    ['nonPublic', String(collection.nonPublic)],
    ['profile', collection.profile],
    ['packaging', collection.packaging],
    ['cidr', collection.cidr],
    ['pageSize', pageSize === undefined ? 'none: one whole answer' : String(pageSize)],
    ['refreshDays', refreshDays === 0 ? '0: never' : String(refreshDays)],
    ...streams.map(({ binding, blocks }): [string, string] => [
      'publishes',
      `${blocks} blocks in ${binding}`,
    ]),
    ['you may', mayDo(access)],
  ]
  const width = Math.max(...facts.map(([what]) => what.length))
  return [
    `${name}: ${printable(description)}`,
    ...facts.map(([what, fact]) => `  ${what.padEnd(width)}  ${printable(fact)}`),
    ...(behind ? ['  What it publishes does not follow its settings yet; that is under way.'] : []),
  ].join('\n')
}

function mayDo({ read, write }: CollectionView['access']): string {
  const may = [...(read ? ['poll it'] : []), ...(write ? ['change it'] : [])]
  return may.join(' and ') || 'do nothing with it'
}
