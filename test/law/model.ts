import type { Micros } from '../../src/model/micros.ts'
import type { Facts, PublishedBlock } from './database.ts'
import { blockName, type Served } from './served.ts'

/** The law of the feed does not hold. */
export class LawBroken extends Error {}

export interface StreamName {
  readonly collection: string
  readonly binding: number
}

export interface ModelBlock extends StreamName {
  readonly label: Micros
  readonly subject: string
  readonly shows: readonly string[]
  readonly md5: string
  readonly publicationId: number
  /** moments are counted in commits */
  readonly publishedAt: number
  supersededAt: number | undefined
  withdrawnAt: number | undefined
}

/**
 * The feed as plain lists: told of each commit, before anybody goes on, it says what each poll must and must
 * not be answered.
 */
export function createModel(served: Served, remark: (what: string) => void) {
  const blocks: ModelBlock[] = []
  const live = new Map<string, ModelBlock>()
  const publications = new Set<number>()
  /** by collection: the last label that was given and the last end that was answered */
  const lastLabels = new Map<string, Micros>()
  const lastEnds = new Map<string, Micros>()
  let commits = 0

  function publish({ blocks: fresh }: Facts) {
    const permitted = served.permitted()
    for (const one of fresh) {
      const name = blockName(one.collection, one.binding, one.subject)
      publications.add(one.publicationId)
      const last = lastLabels.get(one.collection) ?? 0
      if (one.label <= last) {
        throw new LawBroken(`label ${one.label} was given to ${name} after label ${last}`)
      }
      lastLabels.set(one.collection, one.label)
      const end = lastEnds.get(one.collection) ?? 0
      if (one.label <= end) {
        throw new LawBroken(`label ${one.label} was given to ${name} after end ${end} was answered`)
      }
      for (const shown of namesShown(one)) {
        if (permitted.has(shown)) continue
        throw new LawBroken(`${shown} was published in ${name}, which nothing permits`)
      }
      const before = live.get(name)
      if (before) before.supersededAt = commits
      const block: ModelBlock = {
        ...one,
        publishedAt: commits,
        supersededAt: undefined,
        withdrawnAt: undefined,
      }
      blocks.push(block)
      remark(`published ${name} at ${one.label}`)
      live.set(name, block)
    }
  }

  function withdraw({ withdrawals }: Facts) {
    for (const one of withdrawals) {
      for (const block of blocks) {
        if (block.withdrawnAt !== undefined || block.subject !== one.subject) continue
        if (block.publicationId > one.throughPublication) continue
        const { collection, binding } = block
        if (one.collection && (one.collection !== collection || one.binding !== binding)) continue
        const name = blockName(collection, binding, block.subject)
        block.withdrawnAt = commits
        if (live.get(name) !== block) continue
        live.delete(name)
        remark(`withdrawn ${name} at ${block.label}`)
      }
    }
  }

  return {
    publications: publications as ReadonlySet<number>,
    blocks: blocks as readonly ModelBlock[],
    /** Told of a commit that may have published or withdrawn. */
    committed(facts: Facts) {
      commits += 1
      publish(facts)
      withdraw(facts)
    },
    now: () => commits,
    remark,
    /** Each block that a poll of a range reads when it is fixed now. */
    inRange({ collection, binding }: StreamName, begin: Micros | undefined, end: Micros) {
      return blocks.filter(
        (one) =>
          one.collection === collection &&
          one.binding === binding &&
          one.supersededAt === undefined &&
          one.withdrawnAt === undefined &&
          one.label > (begin ?? -1) &&
          one.label <= end,
      )
    },
    /** Up to where a collection has been told of, by labels or by ends. */
    toldUntil: (collection: string): Micros =>
      Math.max(lastEnds.get(collection) ?? 0, lastLabels.get(collection) ?? 0),
    /**
     * Told of each range that is fixed.
     * @param toldUntil when it was asked for: of several that were fixed at once nobody knows the order
     * @param clock what the database's clock showed after that
     */
    answered(
      collection: string,
      end: Micros,
      asked: Micros | undefined,
      toldUntil: Micros,
      clock: Micros | undefined,
    ) {
      if (asked === undefined && end < toldUntil) {
        throw new LawBroken(`the end went back from ${toldUntil} to ${end}`)
      }
      if (asked !== undefined && end > asked) {
        throw new LawBroken(`the end ${end} lies beyond the one that was asked for, ${asked}`)
      }
      const told = this.toldUntil(collection)
      if (clock !== undefined && end > Math.max(clock, told)) {
        throw new LawBroken(`the end ${end} lies ahead of the clock, ${clock}, and of ${told}`)
      }
      lastEnds.set(collection, Math.max(lastEnds.get(collection) ?? 0, end))
    },
    live: () => [...live.values()],
    /** Holds what is live to what may be served, once nothing is left to be done. */
    assertComplete() {
      const wanted = [...served.permitted()].sort()
      const found = [...live.values()].flatMap(namesShown).sort()
      if (wanted.join() !== found.join()) {
        throw new LawBroken(`live are\n${found.join('\n')}\nand not\n${wanted.join('\n')}`)
      }
    },
  }
}

/** `collection binding` and each indicator that a block shows, as `permitted` names it. */
export function namesShown({
  collection,
  binding,
  shows,
}: ModelBlock | PublishedBlock): readonly string[] {
  return shows.map((shown) => blockName(collection, binding, shown))
}

export type Model = ReturnType<typeof createModel>
