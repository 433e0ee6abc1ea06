import { formatMicros, type Micros } from '../model/micros.ts'
import type { RequestReport } from '../taxii/client/ask.ts'
import type { PollFault } from '../taxii/client/fault.ts'
import type { Surroundings } from '../taxii/client/look-around.ts'
import type { WindowReport } from '../taxii/client/poll-window.ts'
import type { BlockReport, PollOutcome } from '../taxii/client/session.ts'
import { type ReasonCount, sortByCount } from '../taxii/client/tally.ts'
import type { Warning } from '../taxii/client/warnings.ts'
import { version } from '../version.ts'
import { outcomeOf } from './poll-blocks.ts'
import type { PollHead } from './poll-text.ts'

/** One object a line: the names here are documented and stay. */

export function startToJson({ plan, device, username, encoding, address, windows }: PollHead) {
  return {
    kind: 'start',
    taxiway: version,
    device: device.name,
    title: device.title,
    basis: device.basis,
    url: plan.url.href,
    address: address.href,
    collection: plan.collection,
    username: username ?? null,
    encoding: encoding ?? null,
    begin: moment(plan.begin),
    end: moment(plan.end),
    windows,
    windowDays: plan.windowDays ?? null,
    deltas: plan.deltas,
    follows: plan.intervalMs !== undefined,
    bindings: plan.bindings,
    subscriptionId: plan.subscriptionId ?? null,
  }
}

export function requestToJson({ fault, status, pauseMs, ...report }: RequestReport) {
  return {
    kind: 'request',
    ...report,
    status: status ?? null,
    fault: faultToJson(fault),
    againInMs: pauseMs ?? null,
  }
}

export function windowToJson({ window, kind, ...report }: WindowReport) {
  return {
    kind: 'window',
    poll: kind,
    begin: moment(window.begin),
    end: moment(window.end),
    ...report,
  }
}

export function blockToJson({ exchange, block, packageId, reading }: BlockReport) {
  const { choked, observables, ignored } = reading
  const taken = choked ? [] : observables.filter(({ dropped }) => !dropped)
  return {
    kind: 'block',
    exchange,
    label: block.label ?? null,
    binding: block.binding,
    packageId: packageId ?? null,
    outcome: outcomeOf(reading),
    ingested: taken.map(({ type, value }) => ({ type, value })),
    dropped: observables.flatMap(({ type, value, dropped }) =>
      dropped ? [{ type, value, ...dropped }] : [],
    ),
    ignored,
    choked: choked ?? null,
  }
}

export function warningToJson({ rule, text, where }: Warning) {
  return { kind: 'warning', rule, text, where: where ?? null }
}

export function summaryToJson(
  outcome: PollOutcome,
  around: Surroundings | undefined,
  exitCode: number,
) {
  const { tally, warnings, windows, until, fault } = outcome
  const types = [...tally.types.values()]
  return {
    kind: 'summary',
    polledWhole: fault === undefined && !outcome.stopped,
    exitCode,
    blocks: tally.blocks,
    fruitlessBlocks: tally.fruitless,
    requests: outcome.requests,
    wireBytes: outcome.wireBytes,
    windowsPolled: windows.polled,
    windowsPlanned: windows.planned,
    deltasPolled: outcome.deltas,
    until: moment(until),
    bindings: Object.fromEntries(tally.bindings),
    held: types.reduce((sum, { distinct }) => sum + distinct, 0),
    ingested: types,
    dropped: reasons(tally.dropped),
    ignored: reasons(tally.ignored),
    choked: reasons(tally.choked),
    warnings: warnings.map((one) => ({ ...one, where: one.where ?? null })),
    collections: around?.collections ?? null,
    fault: faultToJson(fault),
  }
}

function reasons(counts: ReadonlyMap<string, ReasonCount>) {
  return sortByCount(counts.values()).map(({ example, ...rest }) => ({
    ...rest,
    first: {
      type: example.type ?? null,
      value: example.value ?? null,
      label: example.label ?? null,
      packageId: example.packageId ?? null,
    },
  }))
}

function faultToJson(fault: PollFault | undefined) {
  if (!fault) return null
  const { kind, message, advice } = fault
  return { kind, message, advice }
}

function moment(at: Micros | undefined): string | null {
  return at === undefined ? null : formatMicros(at)
}
