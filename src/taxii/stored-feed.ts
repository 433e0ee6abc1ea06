import type { Account } from '../model/account.ts'
import type { Collection } from '../model/collection.ts'
import { readGrants } from '../store/accounts.ts'
import { findReadableByEach, maySendAnywhere } from '../store/collection-access.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { countBlocks, cutIntoParts, readBlocks } from '../store/feed.ts'
import { createHeadReader } from '../store/packages.ts'
import {
  completePolls,
  correctPart,
  enterPart,
  type FixedPoll,
  fixRanges,
  noteFirstPart,
  type PollToFix,
} from '../store/polls.ts'
import { findResultSet, movePartEnds, writeResultSet } from '../store/result-sets.ts'
import {
  changeSubscription,
  findSubscription,
  listSubscriptions,
  subscribe,
} from '../store/subscriptions.ts'
import { type Ask, askTogether } from '../store/together.ts'
import { createVolumeReader } from '../store/volumes.ts'
import type { Feed } from './feed.ts'

// A publication of the collection waits for them.
const fixTogether = { most: 20 }

/** The feed as the store has it. */
export function createStoredFeed(db: Db, resultSetSeconds: number): Feed {
  const readHead = createHeadReader(db)
  const readVolumes = createVolumeReader(db, () => performance.now())
  const readAccess = async ({ id, role }: Account) => {
    const isAdministrator = role === 'administrator'
    const granted = isAdministrator ? undefined : await readGrants(db, id)
    return (collection: Collection) => ({
      read: isAdministrator || granted?.get(collection.id)?.read === true,
      send: collection.inbox && (isAdministrator || granted?.get(collection.id)?.write === true),
    })
  }
  // What each poll asks, those that come in at once ask together.
  const maySend = askTogether((accounts: readonly Account[]) => maySendAnywhere(db, accounts))
  const findReadable = askTogether((asked: Parameters<typeof findReadableByEach>[1]) =>
    findReadableByEach(db, asked),
  )
  const fixing = new Map<number, Ask<PollToFix, FixedPoll>>()
  const fixRangeOf = (collectionId: number) => {
    const fix =
      fixing.get(collectionId) ??
      askTogether((polls: readonly PollToFix[]) => fixRanges(db, collectionId, polls), fixTogether)
    fixing.set(collectionId, fix)
    return fix
  }
  const ownerOf = (account: Account, { id }: Collection) => ({
    accountId: account.id,
    collectionId: id,
  })
  return {
    listCollections: async (account) => {
      const [collections, accessTo, volumes] = await Promise.all([
        readCollections(db),
        readAccess(account),
        readVolumes(),
      ])
      return collections.flatMap((collection) => {
        const access = accessTo(collection)
        if (!access.read && !access.send) return []
        // A poll that names no binding gets the first.
        const [binding] = collection.bindings
        const volume = binding && volumes.get(collection.id)?.get(binding)
        return { ...collection, access, volume }
      })
    },
    maySend,
    // The database holds no NUL, so nothing is called so.
    findCollection: async (account, name) =>
      name.includes('\0') ? undefined : findReadable({ account, name }),
    fixRange: (poller, stream, asked) => fixRangeOf(stream.collectionId)({ poller, stream, asked }),
    countBlocks: (snapshot, range) => countBlocks(db, snapshot, range),
    readBlocks: (snapshot, range) => readBlocks(db, readHead, snapshot, range),
    createResultSet: async (
      account,
      snapshot,
      range,
      pageSize,
      beginMoved = false,
      subscriptionId = undefined,
    ) => {
      const parts = await cutIntoParts(db, snapshot, range, pageSize)
      const set = { accountId: account.id, snapshot, range, beginMoved, subscriptionId, ...parts }
      return writeResultSet(db, set, resultSetSeconds)
    },
    subscribe: (terms) => subscribe(db, terms),
    findSubscription: (account, collection, id) =>
      findSubscription(db, ownerOf(account, collection), id),
    listSubscriptions: (account, collection) => listSubscriptions(db, ownerOf(account, collection)),
    changeSubscription: (account, collection, id, status) =>
      changeSubscription(db, ownerOf(account, collection), id, status),
    findResultSet: (account, id) => findResultSet(db, account.id, id),
    movePartEnds: (set, partEnds) => movePartEnds(db, set, partEnds),
    noteFirstPart: (pollId, resultId, range) => noteFirstPart(db, pollId, resultId, range),
    enterPart: (poller, set, part) => enterPart(db, poller, set, part),
    correctPart: (pollId, range) => correctPart(db, pollId, range),
    completePolls: (outcomes) => completePolls(db, outcomes),
  }
}
