import type { OtxFault } from './otx-faults.ts'

/** A request as far as a stand-in's misbehaviour may depend on it. */
export interface OtxStandinRequest {
  /** from 1, as they stand in `requests` */
  readonly number: number
  /** behind `/api/v1/`, such as `pulses/subscribed` */
  readonly path: string
  readonly query: Readonly<Record<string, string | undefined>>
  /** records a page, as asked for; the stand-in's own number where none was named */
  readonly limit: number
  /** from 1 */
  readonly page: number
  /** records of the list before this page */
  readonly offset: number
}

export type OtxStandinCondition = (request: OtxStandinRequest) => boolean
type Action = () => void | Promise<void>

/** What a stand-in does other than well. */
export interface OtxBehaviour {
  /** The coming requests are answered so, one fault each, whatever their path; then all is well again. */
  misbehave(...faults: readonly OtxFault[]): void
  /** As `misbehave`, for requests to one path or to those that a condition picks; these faults come first. */
  misbehaveAt(where: string | OtxStandinCondition, ...faults: readonly OtxFault[]): void
  /** Every request that the condition picks is answered so, until `behave`; faults that are queued come first. */
  misbehaveWhile(condition: OtxStandinCondition, fault: OtxFault): void
  /** Forgets all faults and actions that are still to come. */
  behave(): void
  /** Acts once, just before the request of this number, or the first that the condition picks, is answered. */
  onRequest(which: number | OtxStandinCondition, action: Action): void
}

export interface RecordedBehaviour extends OtxBehaviour {
  /** What the request is answered with, when what was to happen before it has happened. */
  next(request: OtxStandinRequest): Promise<OtxFault>
}

const wellBehaved: OtxFault = { kind: 'none' }

export function createBehaviour(): RecordedBehaviour {
  const queue: OtxFault[] = []
  const queuesByPlace: { readonly condition: OtxStandinCondition; readonly queue: OtxFault[] }[] =
    []
  const standing: { readonly condition: OtxStandinCondition; readonly fault: OtxFault }[] = []
  const actions: { readonly condition: OtxStandinCondition; readonly action: Action }[] = []

  return {
    misbehave(...faults) {
      queue.push(...faults)
    },
    misbehaveAt(where, ...faults) {
      const condition =
        typeof where === 'string' ? ({ path }: OtxStandinRequest) => path === where : where
      queuesByPlace.push({ condition, queue: [...faults] })
    },
    misbehaveWhile(condition, fault) {
      standing.push({ condition, fault })
    },
    behave() {
      for (const list of [queue, queuesByPlace, standing, actions]) list.length = 0
    },
    onRequest(which, action) {
      const condition =
        typeof which === 'number' ? ({ number }: OtxStandinRequest) => number === which : which
      actions.push({ condition, action })
    },
    async next(request) {
      for (const one of actions.filter(({ condition }) => condition(request))) {
        actions.splice(actions.indexOf(one), 1)
        await one.action()
      }
      const placed = queuesByPlace.find((one) => one.queue.length > 0 && one.condition(request))
      const always = standing.find(({ condition }) => condition(request))
      return placed?.queue.shift() ?? queue.shift() ?? always?.fault ?? wellBehaved
    },
  }
}

/** Where OTX times out: its pages cost the more, the deeper they lie. */
export function beyondDepth(records: number, path = 'pulses/subscribed'): OtxStandinCondition {
  return (request) => request.path === path && request.limit * request.page > records
}

/** Pages of more than so many records, from some depth of the list on: what a smaller page mends. */
export function largePagesFrom(
  offset: number,
  mostRecords: number,
  path = 'pulses/subscribed',
): OtxStandinCondition {
  return (request) =>
    request.path === path && request.offset >= offset && request.limit > mostRecords
}
