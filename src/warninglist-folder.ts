import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from './config.ts'
import { type Intake, writeInTurn } from './intake/intake.ts'
import type { Log } from './log.ts'
import { ConfigError } from './model/errors.ts'
import type { Db } from './store/db.ts'
import {
  readWarninglists as readStored,
  removeWarninglist,
  type StoredWarninglist,
  type WarninglistOrigin,
  writeWarninglist,
} from './store/warninglists.ts'
import { findListFiles, type ReadWarninglist, readWarninglists } from './warninglist-files.ts'

const starterFolder = fileURLToPath(new URL('../seeds/warninglists', import.meta.url))

type SyncIntake = Pick<Intake, 'db' | 'clock' | 'fence'>

/**
 * Makes the function that brings the store's warninglists in line with those that come with Taxiway and with
 * the folder of the settings. Files that have not changed since the last call are not read again. What an
 * operator has decided of a list, and lists that were added by hand under the same name, stay.
 */
export function createWarninglistSync(
  { warninglistsDir }: Pick<Config, 'warninglistsDir'>,
  log: Log,
): (intake: SyncIntake) => Promise<void> {
  const folder =
    warninglistsDir === undefined ? undefined : createFolderSync(warninglistsDir, 'folder', log)
  const starter = createFolderSync(starterFolder, 'starter', log)
  return async (intake) => {
    // First: a list in the folder stands in for the one of the same name that comes with Taxiway.
    if (folder) await folder(intake)
    else await removeAllOf(intake, log)
    await starter(intake)
  }
}

function createFolderSync(folder: string, origin: WarninglistOrigin, log: Log) {
  let last = ''
  return async (intake: SyncIntake): Promise<void> => {
    const seen = describeFolder(folder)
    // Of the starter set a list may be missing whose stand-in was taken out of the folder.
    const stored = await readStored(intake.db)
    const state = `${seen}\n${stored.map((one) => `${one.name} ${one.origin}`).join('\n')}`
    if (state === last) return
    const empty = seen === ''
    const { read, faults } = empty ? { read: [], faults: [] } : await readWarninglists([folder])
    for (const problem of faults) log.warn({ origin }, `a warninglist is left out: ${problem}`)
    reportUnusable(read, log)
    // A folder that cannot be read is not one without lists: it may be mounted again in a minute.
    const whole = !seen.startsWith('unreadable')
    const unread = new Set(whole ? namesOfBroken(folder, read) : stored.map(({ name }) => name))
    const changed = await writeInTurn(intake, (trx, now) =>
      bringInLine(trx, { read, origin, unread, now }, log),
    )
    if (changed.length > 0) log.info({ origin, lists: changed }, 'warninglists have changed')
    const after = await readStored(intake.db)
    last = `${seen}\n${after.map((one) => `${one.name} ${one.origin}`).join('\n')}`
  }
}

interface Wanted {
  readonly read: readonly ReadWarninglist[]
  readonly origin: WarninglistOrigin
  /** names of lists that are there and could not be read: what the store has of them stays */
  readonly unread: ReadonlySet<string>
  readonly now: Date
}

async function bringInLine(db: Db, { read, origin, unread, now }: Wanted, log: Log) {
  const stored = new Map((await readStored(db)).map((one) => [one.name, one]))
  const changed: string[] = []
  for (const { list, path } of read) {
    const old = stored.get(list.name)
    if (old && !givesWay(old, origin)) {
      if (origin === 'folder') log.warn(`${path}: "${list.name}" was added by hand, which counts`)
      continue
    }
    const change = await writeWarninglist(db, list, origin, now)
    if (change !== 'unchanged') changed.push(list.name)
  }
  const names = new Set(read.map(({ list }) => list.name))
  for (const { name, origin: from } of stored.values()) {
    if (from !== origin || names.has(name) || unread.has(name)) continue
    await removeWarninglist(db, name)
    changed.push(name)
  }
  return changed
}

function givesWay({ origin }: StoredWarninglist, to: WarninglistOrigin): boolean {
  return origin === to || (origin === 'starter' && to === 'folder')
}

/** After the setting was taken back. */
async function removeAllOf(intake: SyncIntake, log: Log): Promise<void> {
  const stored = await readStored(intake.db)
  if (!stored.some(({ origin }) => origin === 'folder')) return
  const nothing = { read: [], origin: 'folder', unread: new Set<string>() } as const
  const removed = await writeInTurn(intake, (trx, now) =>
    bringInLine(trx, { ...nothing, now }, log),
  )
  log.info({ lists: removed }, 'TAXIWAY_WARNINGLISTS_DIR is not set: its warninglists are removed')
}

/** What tells a change without reading: names, sizes and times. */
function describeFolder(folder: string): string {
  try {
    return findListFiles(folder)
      .map((path) => {
        const { size, mtimeMs, ino } = statSync(path)
        return `${path} ${size} ${mtimeMs} ${ino}`
      })
      .join('\n')
  } catch (error) {
    return `unreadable ${(error as Error).message}`
  }
}

function namesOfBroken(folder: string, read: readonly ReadWarninglist[]): readonly string[] {
  const fine = new Set(read.map(({ path }) => path))
  return findFiles(folder)
    .filter((path) => !fine.has(path))
    .map((path) => basename(path.replace(/(?:\/list)?\.json$/, '')))
}

function findFiles(folder: string): readonly string[] {
  try {
    return findListFiles(folder)
  } catch (error) {
    if (error instanceof ConfigError) return []
    throw error
  }
}

function reportUnusable(read: readonly ReadWarninglist[], log: Log): void {
  for (const { path, unusable } of read) {
    if (unusable.count === 0) continue
    log.warn(
      { path, entries: unusable.count, first: unusable.first },
      'entries of a warninglist cannot be used and are left out',
    )
  }
}
