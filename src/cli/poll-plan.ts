import { ConfigError } from '../model/errors.ts'
import type { Micros } from '../model/micros.ts'
import type { Device, DeviceName } from '../taxii/client/device.ts'
import type { PollPlan } from '../taxii/client/session.ts'
import { microsPerDay } from '../taxii/client/windows.ts'

/** What the command line asks for; what is absent, the device decides. */
export interface PollOptions {
  readonly collection: string
  readonly as: DeviceName
  readonly username?: string
  readonly passwordFile?: string
  readonly age?: number
  readonly segment?: number
  readonly deltas?: number
  readonly follow?: boolean
  /** minutes */
  readonly interval: number
  readonly begin?: Micros
  readonly end?: Micros
  readonly binding?: readonly string[]
  readonly subscription?: string
  readonly discover?: boolean
  /** seconds */
  readonly timeout: number
  /** minutes */
  readonly maxAnswer: number
  /** megabytes */
  readonly maxBlock: number
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly keyPasswordFile?: string
  readonly blocks?: boolean
  readonly json?: boolean
  readonly strict?: boolean
}

export const defaultAgeDays = 30
/** The least segment that the appliance takes, as remembered from its guide. */
const esaSegmentDays = 5

/** @throws ConfigError where options speak against each other */
export function makePlan(url: URL, options: PollOptions, device: Device, now: Micros): PollPlan {
  const { begin, end, age, follow } = options
  if (begin !== undefined && age !== undefined) {
    throw new ConfigError('--age and --begin both say where the full poll begins: leave one out')
  }
  if (end !== undefined && follow) {
    throw new ConfigError('--follow goes on from now on: leave --end out')
  }
  if (begin !== undefined && begin >= (end ?? now)) {
    throw new ConfigError('--begin must lie before --end, and before now')
  }
  // cabby asks for everything unless it is told otherwise.
  const ageDays = age ?? (device.name === 'cabby' ? undefined : defaultAgeDays)
  const upTo = device.name === 'cabby' ? end : (end ?? now)
  const from = begin ?? (ageDays === undefined ? undefined : (end ?? now) - ageDays * microsPerDay)
  const segmentDays =
    options.segment ?? device.windowDays ?? (device.name === 'esa' ? esaSegmentDays : undefined)
  return {
    url,
    collection: options.collection,
    begin: from,
    end: upTo,
    windowDays: segmentDays,
    deltas: options.deltas ?? (device.name === 'esa' && end === undefined ? 1 : 0),
    intervalMs: follow ? options.interval * 60_000 : undefined,
    bindings: options.binding ?? (device.binding === undefined ? [] : [device.binding]),
    subscriptionId: options.subscription,
    discovers: options.discover ?? device.discovers,
  }
}

/** @throws ConfigError */
export function readPollUrl(text: string): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new ConfigError(
      'the address must be like https://feeds.example.org:9000/taxii/poll, with http: or https:',
    )
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw new ConfigError(
      'leave user name and password out of the address, where every user of this machine can see them: ' +
        '--username NAME, and --password-file FILE or the question for it',
    )
  }
  url.hash = ''
  return url
}
