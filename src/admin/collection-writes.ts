import { type CollectionChange as Change, compareCollections } from '../intake/apply-collections.ts'
import type { Account, Caller } from '../model/account.ts'
import type { CollectionSettings } from '../model/collection.ts'
import {
  completeSettings,
  findListFaults,
  findSettingsFaults,
} from '../model/collection-settings.ts'
import { CollectionNotFound } from '../model/errors.ts'
import { tlpRank } from '../model/tlp.ts'
import {
  findReadable,
  keepRole,
  listReadable,
  lockReadable,
  type ReadableCollection,
} from '../store/collection-access.ts'
import { writeCollection } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import type { CollectionBody, CollectionInput } from './collection-schema.ts'
import { NotPermitted, ValidationFailed } from './errors.ts'
import { pointer } from './json.ts'

/** @throws ValidationFailed */
export function bodyToSettings(name: string, body: CollectionBody): CollectionSettings {
  const settings = completeSettings({ ...body, name })
  const faults = findSettingsFaults(settings).map(({ place, message }) => ({
    place: pointer(place),
    message,
  }))
  if (body.name !== undefined && body.name !== name) {
    const message = 'is another than in the path; collections are not renamed'
    faults.unshift({ place: '/name', message })
  }
  if (faults.length > 0) throw new ValidationFailed(faults)
  return settings
}

/** @throws ValidationFailed */
export function inputsToSettings(inputs: readonly CollectionInput[]): CollectionSettings[] {
  const list = inputs.map(completeSettings)
  const nameOf = (place: readonly (string | number)[]) => pointer(['collections', ...place])
  const faults = findListFaults(list, nameOf).map(({ place, message }) => ({
    place: nameOf(place),
    message,
  }))
  if (faults.length > 0) throw new ValidationFailed(faults.slice(0, 20))
  return list
}

/**
 * Stores the settings, all or none, as somebody who may do so or not.
 * @param check is given each that is there (undefined: it is not), locked, before anything is written
 * @throws CollectionNotFound, NotPermitted
 */
export async function writeAs(
  trx: Db,
  { account, proof }: Caller,
  wanted: readonly CollectionSettings[],
  check: (found: ReadableCollection | undefined) => void = () => {},
): Promise<readonly Change[]> {
  if (proof !== 'local' && !(await keepRole(trx, account))) {
    throw new NotPermitted(
      'collections:write',
      'your own account was disabled or given another role while you asked; nothing was changed',
    )
  }
  const names = wanted.map(({ name }) => name)
  const found = await lockReadable(trx, account, names)
  const changes = await compareAs(trx, account, wanted, found)
  for (const name of names) check(found.find((one) => one.name === name))
  // By name: two who make the same collections wait for each other and not in a circle.
  const byName = wanted.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const settings of byName) {
    const kind = changes.find(({ name }) => name === settings.name)?.kind
    if (kind === 'unchanged') continue
    const made = await writeCollection(trx, settings)
    // Somebody else has made it since the look above.
    if (kind === 'new' && !made) check({ ...settings, ...justMade })
  }
  return changes
}

const justMade = { id: 0, settingsVersion: 1, reconciledVersion: 0, writable: true }

/** What writing these would change, as far as the caller may know; nothing is written. */
export async function previewAs(
  db: Db,
  { account }: Caller,
  wanted: readonly CollectionSettings[],
): Promise<readonly Change[]> {
  const names = wanted.map(({ name }) => name)
  return compareAs(db, account, wanted, await findReadable(db, account, names))
}

async function compareAs(
  db: Db,
  account: Account,
  wanted: readonly CollectionSettings[],
  found: readonly ReadableCollection[],
): Promise<readonly Change[]> {
  for (const settings of wanted) {
    const { name } = settings
    checkMayWrite(
      account,
      found.find((one) => one.name === name),
      settings,
    )
  }
  const others = await listReadable(db, account, { limit: maxListed })
  const names = new Set(wanted.map(({ name }) => name))
  return compareCollections([...found, ...others.filter(({ name }) => !names.has(name))], wanted)
}

const maxListed = 10_000

/** A grant to write lets choose what a collection shows of what it may show, and no more than that. */
function checkMayWrite(
  account: Account,
  found: ReadableCollection | undefined,
  wanted: CollectionSettings,
): void {
  if (account.role === 'administrator') return
  // That it is not there and that it may not be read must look the same.
  if (!found) throw new CollectionNotFound(wanted.name)
  const refuse = (why: string) => new NotPermitted('collections:write', why)
  const { name, maxTlp, nonPublic } = found
  if (!found.writable) {
    throw refuse(
      `this account may read the collection "${name}" and not change it; an administrator can grant that`,
    )
  }
  if (tlpRank(wanted.maxTlp) > tlpRank(maxTlp)) {
    throw refuse(
      `the collection "${name}" shows up to TLP ${maxTlp}, and administrators alone may raise its maxTlp to ${wanted.maxTlp}`,
    )
  }
  if (wanted.nonPublic && !nonPublic) {
    throw refuse(
      `the collection "${name}" shows no reports that are not for the public, and administrators alone may change that`,
    )
  }
}
