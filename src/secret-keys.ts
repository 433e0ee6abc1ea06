import type { SecretKeys } from './admin/parts.ts'
import type { Config } from './config.ts'
import { ensureDataDir } from './data-dir.ts'
import type { Log } from './log.ts'
import { SecretKeyWrong } from './model/errors.ts'
import {
  dropKeyFile,
  makeFirstKey,
  makeNextKey,
  promoteNextKey,
  readKeyFiles,
} from './secret-key-files.ts'
import { createKeyringOf, deriveSecretKey, type SecretKey } from './security/keyring.ts'
import type { Store } from './store/db.ts'
import {
  findOtherKeyIds,
  findStoreKeyId,
  forgetSealed,
  lockStoreKey,
  rewrapAll,
  setStoreKeyId,
} from './store/secrets.ts'

/** What this process was given, whether the store is on it or not. */
interface GivenKeys {
  /** of TAXIWAY_SECRET_KEY, or of the file */
  readonly wanted: SecretKey
  readonly others: readonly SecretKey[]
}

/** Where keys come from: settings or the data folder. */
interface KeySource {
  /** Makes a key where none is given. */
  read(): Promise<GivenKeys>
  /** Makes none and asks the store nothing: for within a transaction. */
  readMade(): Promise<GivenKeys>
  /** The key to rotate to. Called within the transaction that has the lock. */
  next(): Promise<SecretKey>
  needsSettling(): Promise<boolean>
  /** Brings the files in line with the store's key, within a transaction that has the lock. */
  settle(storeKeyId: string): Promise<void>
}

interface Options {
  readonly config: Pick<Config, 'secrets' | 'dataDir' | 'jwtSeconds'>
  readonly store: Pick<Store, 'db'>
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  /**
   * a command opens the store: few need a key, so where it has not the store's, only what needs it fails. It
   * gives the store none either: a command may run in another folder and with other settings than the service,
   * which could not start on the store then
   */
  readonly forCommand?: boolean
  /** for tests: called when a step of a rotation is done */
  readonly onStep?: (step: string) => Promise<void>
}

/**
 * The keys that the settings give. Where they give none, one is made, once, in a file of the data folder that
 * only this user reads. A store that has no key yet has this one from now on.
 * @throws SecretKeyWrong when the store's secrets are sealed under another key
 */
export async function openSecretKeys(options: Options): Promise<SecretKeys> {
  if (!options.forCommand) return openKeys(options)
  if ((await findStoreKeyId(options.store.db)) === undefined) return unusableKeys(noKeyYet())
  try {
    return await openKeys(options)
  } catch (error) {
    if (!(error instanceof SecretKeyWrong)) throw error
    return unusableKeys(error, await findStoreKeyId(options.store.db))
  }
}

async function openKeys(options: Options): Promise<SecretKeys> {
  const { db } = options.store
  const { log } = options
  const source =
    options.config.secrets.key === undefined ? fromFile(options) : fromSettings(options)
  /** @throws SecretKeyWrong */
  const findKeys = async () => {
    const known = await findStoreKeyId(db)
    if (known === undefined || (await source.needsSettling())) {
      const { id } = (await source.read()).wanted
      await db.transaction().execute(async (trx) => source.settle(await lockStoreKey(trx, id)))
    }
    // The files last: whatever key the store was on a moment ago, they have it still.
    const storeKeyId = await findStoreKeyId(db)
    const { wanted, others } = await source.read()
    const given = [wanted, ...others]
    const present = given.find(({ id }) => id === storeKeyId)
    if (!present) throw otherKeyGiven(String(storeKeyId), wanted.id)
    return { wanted, present, others: given.filter((one) => one !== present) }
  }

  const first = await findKeys()
  let nextKeyId = first.wanted.id === first.present.id ? undefined : first.wanted.id
  const keyring = createKeyringOf(first.present, first.others)
  if (nextKeyId !== undefined) {
    log.info(
      { keyId: first.present.id, nextKeyId },
      `the store is still on the key ${first.present.id}: once every process has both keys, "taxiway secret rotate" changes to ${nextKeyId}`,
    )
  }
  const lost = await findOtherKeyIds(db, first.present.id)
  for (const id of lost.filter((one) => first.others.every((other) => other.id !== one))) {
    log.error(
      { keyId: id },
      `something in the store is sealed under the key ${id}, which is not given: set TAXIWAY_SECRET_KEY_PREVIOUS to it and run "taxiway secret rotate"`,
    )
  }

  return {
    keyring,
    findNextKeyId: () => nextKeyId,
    async rotateWithin(trx) {
      const storeKeyId = await lockStoreKey(trx, keyring.keyId)
      await source.settle(storeKeyId)
      const { wanted, others } = await source.readMade()
      const given = [wanted, ...others]
      if (given.every(({ id }) => id !== storeKeyId)) throw otherKeyGiven(storeKeyId, wanted.id)
      await options.onStep?.('locked')
      const next = await source.next()
      await options.onStep?.('next key made')
      const rewrapped = await rewrapAll(trx, createKeyringOf(next, given))
      await setStoreKeyId(trx, next.id)
      await options.onStep?.('rewrapped')
      return { rewrapped, keyId: next.id }
    },
    async follow() {
      const { wanted, present, others } = await findKeys()
      const before = keyring.keyId
      keyring.exchange(present, others)
      nextKeyId = wanted.id === present.id ? undefined : wanted.id
      if (present.id !== before)
        log.info({ keyId: present.id, before }, 'the secret key has changed')
      // What another process sealed before it knew of the change.
      const stray = await findOtherKeyIds(db, present.id)
      const ours = stray.filter((id) => others.some((one) => one.id === id))
      if (ours.length === 0) return
      await db.transaction().execute(async (trx) => {
        if ((await lockStoreKey(trx, present.id)) === present.id) await rewrapAll(trx, keyring)
      })
    },
  }
}

/**
 * For a store whose key is lost: forgets what is sealed under it, and goes on with the key that is given.
 * @returns what is gone
 */
export async function resetSecretKey(options: Options) {
  const { db } = options.store
  const { config } = options
  if (config.secrets.key === undefined) await makeFileIfMissing(options, true)
  const source = config.secrets.key === undefined ? fromFile(options) : fromSettings(options)
  const { wanted } = await source.read()
  return db.transaction().execute(async (trx) => {
    const before = await lockStoreKey(trx, wanted.id)
    const forgotten = await forgetSealed(trx)
    await setStoreKeyId(trx, wanted.id)
    return { ...forgotten, before, keyId: wanted.id }
  })
}

/** Of a command that has not the store's key and goes on all the same. */
function unusableKeys(error: SecretKeyWrong, keyId = 'none'): SecretKeys {
  const refuse = () => {
    throw error
  }
  return {
    keyring: {
      keyId,
      previousKeyId: undefined,
      seal: refuse,
      open: refuse,
      rewrap: refuse,
      deriveKeys: refuse,
    },
    findNextKeyId: () => undefined,
    rotateWithin: async () => refuse(),
    follow: async () => {},
  }
}

function noKeyYet(): SecretKeyWrong {
  return new SecretKeyWrong(
    'the store has no secret key yet, and nothing is sealed in it: the service gives it one at its first start',
  )
}

function otherKeyGiven(storeKeyId: string, givenKeyId: string): SecretKeyWrong {
  return new SecretKeyWrong(
    `the store's secrets are sealed under the key ${storeKeyId}, and this process was given ${givenKeyId}: TAXIWAY_SECRET_KEY must be the same for every process; while keys are changed, TAXIWAY_SECRET_KEY_PREVIOUS is the one before. If ${storeKeyId} is lost, "taxiway secret reset --yes" forgets what is sealed`,
  )
}

function fromSettings({ config }: Options): KeySource {
  const { key, previousKey } = config.secrets
  if (key === undefined) throw new Error('no key is set')
  const wanted = deriveSecretKey(key)
  const others = previousKey === undefined ? [] : [deriveSecretKey(previousKey)]
  const given = { wanted, others: others.filter(({ id }) => id !== wanted.id) }
  return {
    read: async () => given,
    readMade: async () => given,
    next: async () => wanted,
    needsSettling: async () => false,
    settle: async () => {},
  }
}

function fromFile(options: Options): KeySource {
  const { config, log, onStep } = options
  const { dataDir } = config
  const warned = new Set<string>()
  const read = async () => {
    const files = await readKeyFiles(dataDir)
    for (const path of files.readableByOthers) {
      if (!warned.has(path)) log.warn({ file: path }, `others can read ${path}: chmod 600 it`)
      warned.add(path)
    }
    return files
  }
  const readMade = async () => {
    const { path, present, next, previous } = await read()
    if (present === undefined) throw new SecretKeyWrong(`${path} is gone: put it back from a copy`)
    const others = [next, previous?.secret].flatMap((one) => one ?? [])
    return { wanted: deriveSecretKey(present), others: others.map(deriveSecretKey) }
  }
  return {
    async read() {
      await makeFileIfMissing(options, false)
      return readMade()
    },
    readMade,
    next: async () => deriveSecretKey(await makeNextKey(dataDir)),
    async needsSettling() {
      const { next, previous } = await read()
      return (
        next !== undefined || (previous !== undefined && isOver(previous.since, config.jwtSeconds))
      )
    },
    async settle(storeKeyId) {
      const { present, next, previous } = await read()
      if (next !== undefined) {
        // Whoever made it has ended: it made it behind the lock that we have.
        if (deriveSecretKey(next).id === storeKeyId) await promoteNextKey(dataDir, onStep)
        else if (present !== undefined && deriveSecretKey(present).id === storeKeyId) {
          await dropKeyFile(dataDir, 'next')
        }
      } else if (previous && isOver(previous.since, config.jwtSeconds)) {
        const id = deriveSecretKey(previous.secret).id
        if (id !== storeKeyId) await dropKeyFile(dataDir, 'previous')
      }
      await onStep?.('settled')
    },
  }
}

const isOver = (since: Date, seconds: number) => Date.now() - since.getTime() > seconds * 1_000

/**
 * @param always also where the store has a key already
 * @throws SecretKeyWrong when it has, and that key's file is not here
 */
async function makeFileIfMissing({ config, store, log }: Options, always: boolean): Promise<void> {
  const { dataDir } = config
  await ensureDataDir(dataDir)
  const { present, path } = await readKeyFiles(dataDir)
  if (present !== undefined) return
  const storeKeyId = await findStoreKeyId(store.db)
  if (storeKeyId !== undefined && !always) {
    throw new SecretKeyWrong(
      `the store's secrets are sealed under the key ${storeKeyId}, and there is neither TAXIWAY_SECRET_KEY nor ${path}: give every process the same TAXIWAY_SECRET_KEY, or put the file back from a copy. If the key is lost, "taxiway secret reset --yes" forgets what is sealed`,
    )
  }
  const { made } = await makeFirstKey(dataDir)
  if (!made) return
  log.info({ file: path }, `made the secret key ${path}; keep a copy apart from the database's`)
}
