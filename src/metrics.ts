import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Connections } from './http/connections.ts'
import { type Ending, endings } from './http/endings.ts'
import type { Swept } from './intake/sweep.ts'
import type { TakenIn } from './intake/take-in.ts'
import { type Proof, proofs } from './model/account.ts'
import type { SignInOutcome } from './security/identify.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** What `/metrics` tells; it names no account, no collection and no observable. */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers })
  const assertions = counter('taxiway_assertions_total', 'Assertions taken in.', ['verdict'])
  const rejected = counter('taxiway_rejected_records_total', 'Records that could not be read.')
  const published = counter('taxiway_blocks_published_total', 'Blocks given a label.')
  const refreshed = counter(
    'taxiway_blocks_refreshed_total',
    'Of the blocks published: those that say what was said before.',
  )
  const withdrawn = counter('taxiway_blocks_withdrawn_total', 'Blocks taken out of a feed.')
  const signIns = counter(
    'taxiway_sign_ins_total',
    'Proofs of who is asking: accepted, refused, or slowed, which means that nothing was checked. A password that is remembered is not counted again.',
    ['proof', 'outcome'],
  )
  const signedIn = (proof: Proof, outcome: SignInOutcome, times = 1) =>
    signIns.inc({ proof, outcome }, times)
  // An alarm needs the 0 before the first.
  for (const proof of proofs) {
    if (proof === 'local') continue
    for (const outcome of ['accepted', 'refused', 'slowed'] as const) signedIn(proof, outcome, 0)
  }
  const ended = counter(
    'taxiway_connections_ended_total',
    'Connections that the server ended before their clients had done, by the limit that said so.',
    ['reason'],
  )
  const connectionEnded = (reason: Ending, times = 1) => ended.inc({ reason }, times)
  for (const reason of endings) connectionEnded(reason, 0)
  return {
    registry,
    signedIn,
    connectionEnded,
    requests: new Histogram({
      name: 'taxiway_http_request_seconds',
      help: 'Time from a request to the last byte of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
      registers,
    }),
    walks: counter('taxiway_otx_walks_total', 'Walks through OTX.', ['outcome']),
    lastWalk: new Gauge({
      name: 'taxiway_otx_last_whole_walk_timestamp_seconds',
      help: 'When the last whole walk through OTX ended.',
      registers,
    }),
    retries: counter('taxiway_otx_retries_total', 'Requests to OTX that were made again.'),
    leaseHeld: new Gauge({
      name: 'taxiway_lease_held',
      help: 'Whether this process does what one process does for all: 1 or 0.',
      labelNames: ['lease'],
      registers,
    }),
    takenIn(
      done: Pick<TakenIn, 'assertions' | 'suppressed' | 'rejected' | 'published' | 'withdrawn'>,
    ) {
      assertions.inc({ verdict: 'survived' }, done.assertions - done.suppressed)
      assertions.inc({ verdict: 'suppressed' }, done.suppressed)
      rejected.inc(done.rejected)
      published.inc(done.published)
      withdrawn.inc(done.withdrawn)
    },
    swept(done: Omit<Swept, 'expired'>) {
      published.inc(done.published)
      refreshed.inc(done.refreshed)
      withdrawn.inc(done.withdrawn)
    },
  }
}

/** How many connections there are, for `/metrics`. */
export function observeConnections(
  registry: Registry,
  connections: Pick<Connections, 'count'>,
): void {
  new Gauge({
    name: 'taxiway_connections',
    help: 'Connections of clients: open, and of these those that an answer is under way on.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { open, answering } = connections.count()
      this.set({ state: 'open' }, open)
      this.set({ state: 'answering' }, answering)
    },
  })
}
