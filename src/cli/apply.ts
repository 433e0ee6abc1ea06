import { Command } from 'commander'
import { readCollectionsFile } from '../collections-file.ts'
import {
  applyCollections,
  type CollectionChange,
  compareCollections,
} from '../intake/apply-collections.ts'
import { reconcileCollections } from '../intake/reconcile.ts'
import { createIntake } from '../service.ts'
import { readCollections } from '../store/collections.ts'
import { withStore } from './with-store.ts'

export function applyCommand(): Command {
  return new Command('apply')
    .description('make the collections be as a YAML file says')
    .argument('<file>', 'see seeds/collections.yaml and schemas/collections.schema.json')
    .option('--dry-run', 'show the difference and change nothing')
    .action(async (file: string, { dryRun }: { dryRun?: boolean }) => {
      const wanted = readCollectionsFile(file)
      await withStore(async (store, config) => {
        if (dryRun) {
          print(compareCollections(await readCollections(store.db), wanted))
          console.log('Nothing was changed: this was a dry run.')
          return
        }
        print(await applyCollections(store.db, wanted))
        const done = await reconcileCollections(createIntake(config, store))
        if (done.collections.length === 0) return
        console.log(`${done.published} blocks published, ${done.withdrawn} withdrawn.`)
      })
    })
}

function print(changes: readonly CollectionChange[]): void {
  for (const { name, kind, settings } of changes) {
    console.log(
      `${marks[kind]} ${name}: ${kind === 'not in the file' ? 'not in the file, left as it is' : kind}`,
    )
    for (const { setting, from, to } of settings) {
      console.log(`    ${setting}: ${show(from)} → ${show(to)}`)
    }
  }
}

const marks = { new: '+', changed: '~', unchanged: '=', 'not in the file': ' ' } as const

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}
