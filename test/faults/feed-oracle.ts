import { sql } from 'kysely'
import type { Micros } from '../../src/model/micros.ts'
import type { Db } from '../../src/store/db.ts'
import { isWithdrawn } from '../../src/store/live.ts'
import { isRecalled } from '../../src/store/recalls.ts'
import type { Poller, Window } from './feed-poller.ts'

/** A block as the store has it in the end. */
interface StoredBlock {
  readonly label: Micros
  readonly publication: number
  readonly supersededBy: number | null
  readonly withdrawn: boolean
}

export interface Judgement {
  /** a sentence on each */
  readonly faults: readonly string[]
  /** how many blocks were sent again after an answer had broken off */
  readonly repeated: number
}

/** Holds what one poller received to what the store says was published. */
export async function judgePoller(db: Db, poller: Poller): Promise<Judgement> {
  const { login, collection, binding, skewMs } = poller.plan
  const blocks = await readStream(db, collection, binding)
  const ledger = await readLedger(db, login.name)
  const faults: string[] = []
  const received = new Set<Micros>()
  let repeated = 0
  let before: Window | undefined
  for (const window of poller.windows) {
    const last = before
    const fault = (what: string) => faults.push(`${what}: ${describe(window, last)}`)
    const after = skewMs === undefined ? (last?.end ?? 0) : earliestAfter(last)
    judgeOrder(window, last, after, fault)
    if (skewMs === undefined && window.begin !== window.askedBegin) fault('the begin was moved')
    judgeContent(window, blocks, ledger, fault)
    for (const label of labelsOf(window)) {
      if (received.has(label) && label <= (last?.end ?? 0)) repeated += 1
      else if (received.has(label)) fault(`${label} was received twice`)
      received.add(label)
    }
    before = window
  }
  for (const { label, supersededBy, withdrawn } of blocks) {
    if (supersededBy !== null || withdrawn || received.has(label)) continue
    const after = poller.windows.findIndex(({ end }) => end >= label)
    const window = poller.windows[after]
    const place = window ? describe(window, poller.windows[after - 1]) : 'beyond the last window'
    faults.push(`the live block ${label} was never received: ${place}`)
  }
  return { faults: faults.map((one) => `${login.name} of ${collection}: ${one}`), repeated }
}

const labelsOf = ({ parts }: Window) => parts.flatMap(({ labels }) => labels)

/**
 * Who goes on from an end that lay ahead does not say which answer was received, if there were several to
 * one window. What the first did not hold yet may come again.
 */
function earliestAfter(window: Window | undefined): Micros {
  return (window?.retried ? window.begin : window?.end) ?? 0
}

function judgeOrder(
  window: Window,
  before: Window | undefined,
  after: Micros,
  fault: (what: string) => void,
): void {
  const early = [...labelsOf(window), ...window.brokenLabels].find((label) => label <= after)
  if (early) fault(`${early} came after all up to ${after} had been answered`)
  if (before && window.end < before.end) fault('the answered end has gone back')
  if (window.begin !== window.askedBegin && window.message === undefined) {
    fault('the begin was moved in silence')
  }
  if (window.askedEnd !== undefined && window.end > window.askedEnd) {
    fault('the answered end lies beyond the asked one')
  }
}

/** An answer holds what its range held when it was fixed, apart from what was withdrawn since. */
function judgeContent(
  window: Window,
  blocks: readonly StoredBlock[],
  ledger: Ledger,
  fault: (what: string) => void,
): void {
  const inRange = slice(blocks, window.begin ?? 0, window.end)
  const labels = labelsOf(window)
  const { parts, replays } = window
  const withdrawals = inRange.some(({ withdrawn }) => withdrawn)
  for (const [index, part] of parts.entries()) {
    const last = parts[index - 1]
    // A part that is emptied takes over blocks of later ones.
    if (last && part.begin !== last.end && !withdrawals) fault('a gap lies between parts')
    if (last && (part.begin ?? 0) < last.end) fault('parts overlap')
  }
  const anyPart = new Set([...labels, ...replays.flatMap(({ again }) => again.labels)])
  const fixed = ledger.get(rangeKey(window.begin, window.end)) ?? []
  if (fixed.length === 0) fault('the ledger does not know the poll')
  const faults = fixed.map((asOf) => {
    const expected = inRange.filter(
      ({ publication, supersededBy }) =>
        publication <= asOf && (supersededBy === null || supersededBy > asOf),
    )
    const missing = expected.find(({ label, withdrawn }) => !withdrawn && !anyPart.has(label))
    if (missing) return `block ${missing.label} is missing`
    const known = new Set(expected.map(({ label }) => label))
    const strange = [...anyPart].find((label) => !known.has(label))
    if (strange) return `block ${strange} is none of those that were live`
    return window.recordCount < labels.length || window.recordCount > expected.length
      ? `there are ${labels.length} of ${expected.length} blocks`
      : undefined
  })
  // Attempts that broke off may have considered the same range.
  if (!faults.includes(undefined) && faults[0]) fault(faults[0])

  const withdrawn = new Set(inRange.filter((one) => one.withdrawn).map(({ label }) => label))
  for (const { of, again } of replays) {
    const lost = of.labels.find(
      (label) =>
        label > (again.begin ?? 0) && !again.labels.includes(label) && !withdrawn.has(label),
    )
    if (lost) fault(`part ${of.part} was asked for again and lacked ${lost}`)
  }
}

function describe(window: Window, before: Window | undefined): string {
  const { askedBegin, askedEnd, begin, end, parts, resultId, recordCount, message } = window
  const sizes = parts.map(({ labels }) => labels.length)
  const details = { askedBegin, askedEnd, begin, end, sizes, resultId, recordCount, message }
  return JSON.stringify({
    ...details,
    before: before && { end: before.end, asked: before.askedEnd },
  })
}

function slice(blocks: readonly StoredBlock[], begin: Micros, end: Micros) {
  return blocks.slice(firstAfter(blocks, begin), firstAfter(blocks, end))
}

function firstAfter(blocks: readonly StoredBlock[], label: Micros): number {
  let from = 0
  let to = blocks.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((blocks[middle] as StoredBlock).label <= label) from = middle + 1
    else to = middle
  }
  return from
}

async function readStream(db: Db, collection: string, binding: string) {
  const { rows } = await sql<StoredBlock>`
    select p.base_label + b.ordinal as label, p.id as publication, b.superseded_by as "supersededBy",
      ${isWithdrawn} as withdrawn
    from blocks b join publications p on p.id = b.publication_id
      join collections c on c.id = p.collection_id
    where c.name = ${collection} and b.binding = ${binding.endsWith(':1.2') ? 1 : 2}
    order by label`.execute(db)
  return rows
}

/** The publications up to which an account's polls read, by their ranges. */
type Ledger = ReadonlyMap<string, readonly number[]>

async function readLedger(db: Db, account: string): Promise<Ledger> {
  const { rows } = await sql<{ begin_label: Micros | null; end_label: Micros; as_of: number }>`
    select begin_label, end_label, as_of from polls
    where account_id = (select id from accounts where name = ${account})`.execute(db)
  const ledger = new Map<string, number[]>()
  for (const { begin_label, end_label, as_of } of rows) {
    const key = rangeKey(begin_label ?? undefined, end_label)
    const found = ledger.get(key)
    if (found) found.push(as_of)
    else ledger.set(key, [as_of])
  }
  return ledger
}

function rangeKey(begin: Micros | undefined, end: Micros): string {
  return `${begin ?? ''} ${end}`
}

/** @returns indicators that a collection permits, whatever its rule, and does not serve */
export async function findUnserved(db: Db, collection: string): Promise<readonly unknown[]> {
  const { rows } = await sql`
    select i.type, i.value, binding from collections c, unnest(c.bindings) as binding, indicators i
    where c.name = ${collection}
      and exists (select from assertions a where a.indicator_id = i.id and not a.suppressed
        and a.tlp <= c.max_tlp and not ${isRecalled})
      and not exists (select from blocks b where b.subject_id = i.id and b.collection_id = c.id
        and b.binding = binding and b.superseded_by is null and not ${isWithdrawn})`.execute(db)
  return rows
}
