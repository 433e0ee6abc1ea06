import type { Account } from '../model/account.ts'
import type { Collection } from '../model/collection.ts'
import { readGrants } from '../store/accounts.ts'
import { findCollection, readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { countBlocks, cutIntoParts, readBlocks } from '../store/feed.ts'
import { createHeadReader } from '../store/packages.ts'
import { completePolls, correctPart, enterPart, fixRange, noteFirstPart } from '../store/polls.ts'
import { findResultSet, movePartEnds, writeResultSet } from '../store/result-sets.ts'
import type { Feed } from './feed.ts'

/** The feed as the store has it. */
export function createStoredFeed(db: Db, resultSetSeconds: number): Feed {
  const readHead = createHeadReader(db)
  const readable = async <T extends Collection>(account: Account, collections: readonly T[]) => {
    if (account.role === 'administrator') return collections
    const granted = await readGrants(db, account.id)
    return collections.filter(({ id }) => granted.get(id)?.read)
  }
  return {
    listCollections: async (account) => readable(account, await readCollections(db)),
    findCollection: async (account, name) => {
      // Alone: there may be hundreds, and each poll asks.
      const named = await findCollection(db, name)
      const [found] = await readable(account, named ? [named] : [])
      return found
    },
    fixRange: (poller, stream, asked) => fixRange(db, poller, stream, asked),
    countBlocks: (snapshot, range) => countBlocks(db, snapshot, range),
    readBlocks: (snapshot, range) => readBlocks(db, readHead, snapshot, range),
    createResultSet: async (account, snapshot, range, pageSize, beginMoved = false) => {
      const parts = await cutIntoParts(db, snapshot, range, pageSize)
      const set = { accountId: account.id, snapshot, range, beginMoved, ...parts }
      return writeResultSet(db, set, resultSetSeconds)
    },
    findResultSet: (account, id) => findResultSet(db, account.id, id),
    movePartEnds: (set, partEnds) => movePartEnds(db, set, partEnds),
    noteFirstPart: (pollId, resultId, range) => noteFirstPart(db, pollId, resultId, range),
    enterPart: (poller, set, part) => enterPart(db, poller, set, part),
    correctPart: (pollId, range) => correctPart(db, pollId, range),
    completePolls: (outcomes) => completePolls(db, outcomes),
  }
}
