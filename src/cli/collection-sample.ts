import { Command, Option } from 'commander'
import { type ContentBinding, contentBindings } from '../model/collection.ts'
import { CollectionEmpty, CollectionNotFound, ConfigError } from '../model/errors.ts'
import type { FeedBlock } from '../model/feed.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { readBlocks, readSafeLabel } from '../store/feed.ts'
import { createHeadReader } from '../store/packages.ts'
import { prettyXml } from '../xml/pretty.ts'
import { withStore } from './with-store.ts'

export function sampleCommand(): Command {
  return new Command('sample')
    .description('print the oldest package of a collection as a client is sent it, but indented')
    .argument('<name>')
    .addOption(
      new Option('--binding <binding>', "not in the collection's first").choices(contentBindings),
    )
    .addHelpText('after', '\nExample:\n  taxiway collection sample esa-network')
    .action((name: string, { binding }: { binding?: ContentBinding }) =>
      withStore(async ({ db }) => {
        const { content } = await getOldestBlock(db, name, binding)
        process.stdout.write(prettyXml(content))
      }),
    )
}

async function getOldestBlock(
  db: Db,
  name: string,
  asked: ContentBinding | undefined,
): Promise<FeedBlock> {
  const collection = (await readCollections(db)).find((one) => one.name === name)
  if (!collection) throw new CollectionNotFound(name)
  const { id, bindings } = collection
  const binding = asked ?? bindings[0]
  if (!binding || !bindings.includes(binding)) {
    throw new ConfigError(`the collection "${name}" is published in ${bindings.join(', ')}`)
  }
  const { safe: end, asOf } = await readSafeLabel(db, id)
  const snapshot = { collectionId: id, binding, asOf }
  const range = { begin: undefined, end }
  for await (const [first] of readBlocks(db, createHeadReader(db), snapshot, range)) {
    if (first) return first
  }
  throw new CollectionEmpty(name)
}
