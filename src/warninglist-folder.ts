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
import type { ReadWarninglist, ReadWarninglists } from './warninglist-files.ts'
import { findListFiles, statOf } from './warninglist-paths.ts'

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
  const starter = createStarterSync(log)
  return async (intake) => {
    // First: a list in the folder stands in for the one of the same name that comes with Taxiway.
    if (folder) await folder(intake)
    else await removeAllOf(intake, log)
    await starter(intake)
  }
}

/** The same for the lists that come with Taxiway alone. */
export function createStarterSync(log: Log): (intake: SyncIntake) => Promise<void> {
  return createFolderSync(starterFolder, 'starter', log)
}

function createFolderSync(folder: string, origin: WarninglistOrigin, log: Log) {
  let last: string | undefined
  return async (intake: SyncIntake): Promise<void> => {
    const seen = describeFolder(folder)
    if (seen.kind === 'unreadable') {
      // Not one without lists: it may be mounted again in a minute.
      if (last !== seen.problem)
        log.warn({ origin }, `warninglists stay as they are: ${seen.problem}`)
      last = seen.problem
      return
    }
    // Of the starter set a list may be missing whose stand-in was taken out of the folder.
    const state = `${seen.state}\n${ownersOf(await readStored(intake.db))}`
    if (state === last) return
    const { read, faults } = await readFolder(folder, seen.paths)
    for (const problem of faults) log.warn({ origin }, `a warninglist is left out: ${problem}`)
    reportUnusable(read, log)
    const fine = new Set(read.map(({ path }) => path))
    const unread = seen.paths.filter((path) => !fine.has(path)).map(nameOfBroken)
    const wanted = { read, origin, unread: new Set(unread) }
    const changed = (await isInLine(intake.db, wanted))
      ? []
      : await writeInTurn(intake, (trx, now) => bringInLine(trx, wanted, now))
    if (changed.length > 0) log.info({ origin, lists: changed }, 'warninglists have changed')
    last = `${seen.state}\n${ownersOf(await readStored(intake.db))}`
  }
}

function ownersOf(stored: readonly StoredWarninglist[]): string {
  return stored.map(({ name, origin }) => `${name} ${origin}`).join('\n')
}

/** Loaded when there is something to read: schemas take a while, and every command opens the store. */
async function readFolder(folder: string, paths: readonly string[]): Promise<ReadWarninglists> {
  if (paths.length === 0) return { read: [], faults: [] }
  const { readWarninglists } = await import('./warninglist-files.ts')
  return readWarninglists([folder])
}

interface Wanted {
  readonly read: readonly ReadWarninglist[]
  readonly origin: WarninglistOrigin
  /** names of lists that are there and could not be read: what the store has of them stays */
  readonly unread: ReadonlySet<string>
}

/** Whether there is nothing to do, so that nobody need wait for the writers' lock. */
async function isInLine(db: Db, wanted: Wanted): Promise<boolean> {
  const stored = new Map((await readStored(db)).map((one) => [one.name, one]))
  if (findVanished(stored, wanted).length > 0) return false
  return wanted.read.every(({ list }) => {
    const old = stored.get(list.name)
    if (!old) return false
    if (!givesWay(old, wanted.origin)) return true
    const sameEffect = old.effectSetByOperator || old.effect === list.effect
    const same = old.digest === list.digest && old.title === list.title
    const sameWords = old.description === list.description && old.version === list.version
    return same && sameWords && sameEffect && old.origin === wanted.origin
  })
}

/** @returns the names of the lists that are new, changed or gone */
async function bringInLine(db: Db, wanted: Wanted, now: Date): Promise<readonly string[]> {
  const stored = new Map((await readStored(db)).map((one) => [one.name, one]))
  const changed: string[] = []
  for (const { list } of wanted.read) {
    const old = stored.get(list.name)
    if (old && !givesWay(old, wanted.origin)) continue
    const change = await writeWarninglist(db, list, wanted.origin, now)
    if (change !== 'unchanged') changed.push(list.name)
  }
  for (const name of findVanished(stored, wanted)) {
    await removeWarninglist(db, name)
    changed.push(name)
  }
  return changed
}

function findVanished(
  stored: ReadonlyMap<string, StoredWarninglist>,
  { read, origin, unread }: Wanted,
): readonly string[] {
  const names = new Set(read.map(({ list }) => list.name))
  return [...stored.values()]
    .filter((one) => one.origin === origin && !names.has(one.name) && !unread.has(one.name))
    .map(({ name }) => name)
}

/** A list that was added by hand counts before one of the same name from elsewhere. */
function givesWay({ origin }: StoredWarninglist, to: WarninglistOrigin): boolean {
  return origin === to || (origin === 'starter' && to === 'folder')
}

/** After the setting was taken back. */
async function removeAllOf(intake: SyncIntake, log: Log): Promise<void> {
  const stored = await readStored(intake.db)
  if (!stored.some(({ origin }) => origin === 'folder')) return
  const nothing = { read: [], origin: 'folder', unread: new Set<string>() } as const
  const removed = await writeInTurn(intake, (trx, now) => bringInLine(trx, nothing, now))
  log.info({ lists: removed }, 'TAXIWAY_WARNINGLISTS_DIR is not set: its warninglists are removed')
}

type SeenFolder =
  | { readonly kind: 'lists'; readonly paths: readonly string[]; readonly state: string }
  | { readonly kind: 'unreadable'; readonly problem: string }

/** What tells a change without reading: names, sizes and times. */
function describeFolder(folder: string): SeenFolder {
  try {
    const paths = findListFiles(folder)
    const states = paths.map((path) => {
      const { size, mtimeMs, ino } = statOf(path)
      return `${path} ${size} ${mtimeMs} ${ino}`
    })
    return { kind: 'lists', paths, state: states.join('\n') }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { kind: 'unreadable', problem: error.message }
  }
}

function nameOfBroken(path: string): string {
  return basename(path.replace(/(?:\/list)?\.json$/, ''))
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
