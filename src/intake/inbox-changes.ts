import type { Account } from '../model/account.ts'
import type { Assertion } from '../model/assertion.ts'
import type { Report } from '../model/report.ts'
import { inBatches } from '../store/batches.ts'
import type { Db } from '../store/db.ts'
import {
  findSentTo,
  findWritable,
  type InboxBlockRow,
  type InboxOutcome,
  readKeptBytes,
} from '../store/inbox.ts'
import { findSentReports, type WholeReport } from '../store/report-batches.ts'
import type { JudgedAssertion } from './judge-report.ts'

/** A content block as it was read. */
export interface InboxBlock {
  /** SHA-256 of what it holds */
  readonly digest: Buffer
  readonly contentBinding: string
  /** about its size */
  readonly bytes: number
  readonly packageId: string | undefined
  /** without `sentTo`; its times are the package's own, or when it came */
  readonly report: Report
  /** whether the package says itself of when it is */
  readonly isDated: boolean
  readonly assertions: readonly Assertion[]
  readonly notUnderstood: number
  /** what was not understood, in words; '' where nothing was left out */
  readonly detail: string
  /** of what nothing was understood: gzip */
  readonly content: Buffer | undefined
}

/** An Inbox_Message that was read whole. */
export interface InboxDelivery {
  readonly account: Account
  readonly messageId: string
  /** names of collections, at least one */
  readonly sentTo: readonly string[]
  readonly blocks: readonly InboxBlock[]
}

/** Of what an account sent and nobody understood; more is listed, but not kept. */
export const mostKeptBytes = 64 * 1024 * 1024

export interface PreparedBlock {
  /** the place of its delivery in the group */
  readonly of: number
  readonly block: InboxBlock
  readonly judged: readonly JudgedAssertion[]
}

export interface Prepared {
  readonly deliveries: readonly (InboxDelivery & { readonly sourceId: number })[]
  readonly blocks: readonly PreparedBlock[]
}

/**
 * Of blocks that are one package of one account, the one that came last; what it comes in place of is held by
 * its message too, so that a message that brings a package twice is taken as if it brought the later one.
 */
export function newestOfEach(
  blocks: readonly PreparedBlock[],
  deliveries: Prepared['deliveries'],
): readonly PreparedBlock[] {
  const newest = new Map<string, PreparedBlock>()
  for (const one of blocks) {
    const { id } = (deliveries[one.of] as InboxDelivery).account
    const key = `${id} ${one.block.report.externalId}`
    const other = newest.get(key)
    if (!other || other.block.report.modified <= one.block.report.modified) newest.set(key, one)
  }
  return [...newest.values()]
}

export interface Change extends PreparedBlock {
  /** it was taken in before, and is on record no more */
  readonly isKnown: boolean
  readonly outcome: InboxOutcome
  /** undefined: nothing of it is published */
  readonly stored: WholeReport | undefined
}

/** Those blocks that are not known already. */
export async function findChanges(
  trx: Db,
  blocks: readonly PreparedBlock[],
  deliveries: Prepared['deliveries'],
): Promise<readonly Change[]> {
  const deliveryOf = ({ of }: PreparedBlock) => deliveries[of] as Prepared['deliveries'][number]
  const ids = blocks.map((one) => ({
    sourceId: deliveryOf(one).sourceId,
    externalId: one.block.report.externalId,
  }))
  const known = await inBatches(ids, (some) => findSentReports(trx, some))
  const digests = blocks.map((one) => ({
    accountId: deliveryOf(one).account.id,
    digest: one.block.digest,
  }))
  const recorded = await inBatches(digests, (some) => findSentTo(trx, some))
  const reachedBefore = blocks.map((one, place) => ({
    account: deliveryOf(one).account,
    names: known[place]?.sentTo ?? [],
  }))
  const kept = await inBatches(reachedBefore, (some) => findWritable(trx, some))
  return blocks.flatMap((one, place): readonly Change[] => {
    const { block, judged } = one
    const { sentTo, sourceId } = deliveryOf(one)
    const stored = known[place]
    const before = recorded[place]
    const isSame = stored?.digest === block.digest.toString('hex')
    const reached = isSame ? stored.sentTo : stored ? [] : (before ?? [])
    const understood =
      judged.length === 0 ? 'not-understood' : block.notUnderstood > 0 ? 'partly' : 'taken-in'
    const recordedOnly = { ...one, isKnown: false, stored: undefined }
    if ((isSame || (!stored && before)) && sentTo.every((name) => reached.includes(name)))
      return before ? [] : [{ ...recordedOnly, outcome: understood, isKnown: true }]
    if (judged.length === 0 && !stored) return [{ ...recordedOnly, outcome: understood }]
    if (stored && !isSame && block.isDated && block.report.modified < stored.modified) {
      // An older revision that comes late is not to undo the newer one.
      return before ? [] : [{ ...recordedOnly, outcome: 'outdated' }]
    }
    // Of the collections that it was sent to before, those stay that may still be sent to.
    const all = [...new Set([...sentTo, ...(kept[place] ?? [])])].sort()
    const report = { ...block.report, sentTo: all }
    const toStore = { sourceId, report, digest: block.digest }
    return [{ ...recordedOnly, outcome: understood, stored: toStore }]
  })
}

export async function toRows(
  trx: Db,
  changes: readonly Change[],
  deliveries: Prepared['deliveries'],
): Promise<readonly InboxBlockRow[]> {
  const keeping = changes.filter(({ block }) => block.content)
  const accountIds = new Set(keeping.map(({ of }) => deliveries[of]?.account.id as number))
  const keptBytes = new Map(accountIds.size > 0 ? await readKeptBytes(trx, [...accountIds]) : [])
  return changes.map(({ of, block, outcome }) => {
    const { account, messageId, sentTo } = deliveries[of] as InboxDelivery
    let { detail, content } = block
    if (content) {
      const bytes = (keptBytes.get(account.id) ?? 0) + content.length
      if (bytes > mostKeptBytes) {
        content = undefined
        detail += `; its content is not kept: what this account has sent like it fills ${mostKeptBytes / 2 ** 20} MB`
      } else keptBytes.set(account.id, bytes)
    }
    return {
      accountId: account.id,
      digest: block.digest,
      messageId,
      contentBinding: block.contentBinding,
      bytes: block.bytes,
      sentTo,
      outcome,
      detail:
        outcome === 'outdated' ? 'a newer revision of this package was there already' : detail,
      packageId: block.packageId,
      observables: block.assertions.length,
      notUnderstood: block.notUnderstood,
      content,
    }
  })
}
