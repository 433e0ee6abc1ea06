import { Command } from 'commander'
import { readCollections } from '../store/collections.ts'
import { countBlocks, readSafeLabel } from '../store/feed.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

export function collectionCommand(): Command {
  const list = new Command('list')
    .description('list the collections and how many blocks each has now')
    .action(() =>
      withStore(async ({ db }) => {
        const rows = []
        for (const collection of await readCollections(db)) {
          const { id, name, profile, maxTlp, bindings } = collection
          const end = await readSafeLabel(db, id)
          for (const binding of bindings) {
            const stream = { collectionId: id, binding }
            const count = await countBlocks(db, stream, { begin: undefined, end })
            rows.push([name, profile, maxTlp, binding, count])
          }
        }
        console.log(formatTable(['COLLECTION', 'PROFILE', 'MAX TLP', 'BINDING', 'BLOCKS'], rows))
      }),
    )
  return new Command('collection').description('look at collections').addCommand(list)
}
