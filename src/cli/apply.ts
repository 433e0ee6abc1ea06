import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { collectionCalls } from '../admin/client/collections.ts'
import type { AdminConnection } from '../admin/client/connection.ts'
import type { CollectionChange, CollectionView } from '../admin/collection-schema.ts'
import { FeedsBehind } from '../model/errors.ts'
import { asking } from './asking.ts'
import { type AskingOptions, askingCommand, jsonLines } from './server-options.ts'

interface ApplyOptions extends AskingOptions {
  readonly dryRun?: boolean
  readonly wait: boolean
}

/** @param called `taxiway apply` is as old as the feeds; `taxiway collection apply` stands with its like */
export function applyCommand(called: 'apply' | 'collection apply' = 'apply'): Command {
  const command = new Command('apply')
    .description('make the collections be as a YAML file says')
    .argument('<file>', 'see seeds/collections.yaml and schemas/collections.schema.json')
    .option('--dry-run', 'show the difference and change nothing')
    .option('--no-wait', 'end before the feeds follow; the server goes on')
    .addHelpText('after', `\nExample:\n  taxiway ${called} --dry-run seeds/collections.yaml`)
    .action(async (file: string, options: ApplyOptions) => {
      // Reads YAML, which no other command that asks a server needs.
      const { readCollectionsFile } = await import('../collections-file.ts')
      const wanted = readCollectionsFile(file)
      await asking(options, async (connection) => {
        const { apply } = collectionCalls(connection)
        const planned = await apply(wanted, true)
        const before = options.dryRun ? [] : await readNamed(connection, changedOf(planned.changes))
        const { changes } = options.dryRun ? planned : await apply(wanted, false)
        if (options.json) for (const change of changes) console.log(JSON.stringify(change))
        else print(changes)
        if (options.dryRun) {
          if (!options.json) console.log('Nothing was changed: this was a dry run.')
          return
        }
        if (!options.wait) return
        const toFollow = [...changedOf(changes), ...(await findCutShort(connection, changes))]
        if (toFollow.length === 0) return
        const followed = await untilFollowed(connection, toFollow)
        if (options.json) return
        for (const collection of followed) console.log(describeFeed(collection, before))
      })
    })
  return askingCommand(command, jsonLines)
}

function changedOf(changes: readonly CollectionChange[]): readonly string[] {
  return changes.filter(({ kind }) => kind === 'new' || kind === 'changed').map(({ name }) => name)
}

/** @returns those whose settings are as in the file, and whose feeds an earlier apply left behind */
async function findCutShort(
  connection: AdminConnection,
  changes: readonly CollectionChange[],
): Promise<readonly string[]> {
  const unchanged = changes.filter(({ kind }) => kind === 'unchanged').map(({ name }) => name)
  const found = await readNamed(connection, unchanged)
  return found.filter(({ behind }) => behind).map(({ name }) => name)
}

async function readNamed(
  connection: AdminConnection,
  names: readonly string[],
): Promise<readonly CollectionView[]> {
  const found: CollectionView[] = []
  for (const name of names)
    found.push(...[(await collectionCalls(connection).find(name)) ?? []].flat())
  return found
}

const firstLookMs = 50
const slowestLookMs = 2_000
const tellAfterMs = 3_000

/** Whoever stores settings does not wait for the feeds; whoever looks at them wants to see the new ones. */
async function untilFollowed(
  connection: AdminConnection,
  names: readonly string[],
): Promise<readonly CollectionView[]> {
  const began = Date.now()
  let told = false
  for (let ms = firstLookMs; ; ms = Math.min(ms * 2, slowestLookMs)) {
    await connection.settle?.()
    const now = await readNamed(connection, names)
    const behind = now.filter((one) => one.behind).map(({ name }) => name)
    if (behind.length === 0) return now
    // Nobody else tries again while this command waits.
    if (connection.settle) throw new FeedsBehind(behind)
    if (!told && process.stderr.isTTY && Date.now() - began > tellAfterMs) {
      console.error(
        'The settings are stored; waiting until the feeds follow (Ctrl-C: they do so anyway).',
      )
      told = true
    }
    await sleep(ms)
  }
}

function describeFeed(now: CollectionView, before: readonly CollectionView[]): string {
  const old = before.find(({ name }) => name === now.name)
  const blocks = countBlocks(now)
  const more = blocks - (old ? countBlocks(old) : 0)
  const change =
    more === 0 ? 'as many as before' : `${Math.abs(more)} ${more > 0 ? 'more' : 'fewer'}`
  return `${now.name} has ${blocks} blocks now${old ? `, ${change}` : ''}.`
}

function countBlocks({ streams }: CollectionView): number {
  return streams.reduce((sum, { blocks }) => sum + blocks, 0)
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
  return value === null || value === undefined ? 'none' : JSON.stringify(value)
}
