import type { Device } from '../taxii/client/device.ts'
import type { PollFault } from '../taxii/client/fault.ts'
import type { Surroundings } from '../taxii/client/look-around.ts'
import { nameSome } from '../taxii/client/server-text.ts'
import type { PollOutcome, PollPlan } from '../taxii/client/session.ts'
import { article } from './poll-text.ts'
import { printable } from './table.ts'

/** What to check when there is nothing, or nothing that the device takes in; a line each. */
export function adviceOnNothing(
  { tally }: PollOutcome,
  plan: PollPlan,
  device: Device,
  around: Surroundings | undefined,
): readonly string[] {
  if (tally.blocks > 0) {
    return [
      `blocks came, and ${article(device.title)} takes in none of them: see above why`,
      'on Taxiway: give it a collection with the profile and the first binding that are made for it (docs/esa.md, docs/clients.md)',
    ]
  }
  const { collection, begin, end, bindings, subscriptionId } = plan
  return [
    ...aroundLines(collection, around),
    begin === undefined && end === undefined
      ? 'the collection is empty: see what it is fed by'
      : 'the time: a longer --age shows what is older, and a refresh on the server publishes it again',
    ...(bindings.length > 0 ? ['the binding: leave --binding out to ask for any'] : []),
    ...(subscriptionId === undefined ? [] : ['the subscription may ask for something else']),
    'the account: some servers show those who may not read a collection an empty one',
    `on Taxiway: taxiway collection list, and taxiway collection lint ${nameOf(plan)} for what a profile leaves out`,
  ]
}

/** For a command to be copied. */
function nameOf({ collection }: PollPlan): string {
  return /^[\w.-]+$/.test(collection) ? collection : 'NAME'
}

function aroundLines(collection: string, around: Surroundings | undefined): readonly string[] {
  const { collections } = around ?? {}
  if (!collections) return ['the collection’s name: the server does not tell which there are']
  if (collections.includes(collection)) return []
  if (collections.length === 0) return ['the server advertises no collection to this account']
  return [`the server advertises other collections: ${printable(nameSome(collections))}`]
}

/** What the device's administrator would be told, why, and what to check: the message of a poll that failed. */
export function faultText(
  fault: PollFault,
  attempts: number,
  { collection, url }: PollPlan,
  device: Device,
  around: Surroundings | undefined,
): string {
  const times =
    attempts > 1
      ? `${attempts} attempts failed`
      : attempts < device.attempts
        ? `tried once, as trying again changes nothing; the device tries ${device.attempts} times all the same`
        : 'one attempt, as the device makes'
  const alarm =
    device.name === 'esa'
      ? 'the appliance would raise an alert now: it could not fetch the observables of'
      : `${article(device.title)} would get nothing now: it could not poll`
  const elsewhere = (around?.pollAddresses ?? []).filter((one) => one !== url.href)
  return [
    `${alarm} "${collection}" from ${url.href} (${times})`,
    `Reason: ${fault.message}`,
    ...fault.advice.map((line) => `→ ${line}`),
    ...(around ? aroundLines(collection, around).map((line) => `→ ${line}`) : []),
    ...(elsewhere.length > 0
      ? [`→ the server says that it is polled at ${nameSome(elsewhere, 5)}`]
      : []),
  ]
    .map(printable)
    .join('\n')
}
