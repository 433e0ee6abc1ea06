import type { InboxBlock, InboxIntake } from '../intake/inbox.ts'
import { DeliveryRefused } from '../intake/inbox.ts'
import type { Account } from '../model/account.ts'
import type { Tlp } from '../model/tlp.ts'
import type { PackageClaims } from '../stix/package-claims.ts'
import type { InboxDestination } from '../store/inbox.ts'
import type { Declarations } from '../xml/serialize.ts'
import { inboxBindings } from './discovery.ts'
import { readStixContent } from './inbox-content.ts'
import type { InboxFigures } from './inbox-figures.ts'
import { type InboxReading, tellBlock } from './inbox-message.ts'
import type { RequestedBinding, StatusMessage } from './messages.ts'
import {
  destinationError,
  failure,
  mayNotSend,
  notFound,
  type TaxiiRefusal,
  unreadContent,
} from './refusal.ts'

/** What is sent to collections, and where to. */
export interface Inbox extends InboxIntake {
  readonly settings: InboxSettings
  /** what counts them; absent: nobody does */
  readonly figures?: InboxFigures | undefined
  /** those of these names of which the account may know */
  findDestinations(account: Account, names: readonly string[]): Promise<readonly InboxDestination[]>
  /** the collections that the account may send to, by name */
  readOwnDestinations(account: Account): Promise<readonly string[]>
}

export interface InboxSettings {
  /** whether an Inbox_Message must name collections, may, or must not */
  readonly destination: 'required' | 'optional' | 'prohibited'
  /** of a whole message */
  readonly maxBytes: number
  /** of what is marked with no level */
  readonly tlp: Tlp
}

/** And content blocks. Each takes some 500 bytes of memory until its message is stored. */
export const mostObservables = 200_000

export interface InboxRequest {
  readonly account: Account
  readonly messageId: string
  /** what is declared outside of the blocks' contents */
  readonly declarations: Declarations
  /** whether this version of TAXII has destinations */
  readonly namesDestinations: boolean
  readonly receivedAt: Date
  /** told of each few observables and blocks that are held; what it throws ends the reading */
  readonly onObservables: (count: number) => void
}

/**
 * Takes an Inbox_Message: all of it or nothing.
 * @throws TaxiiRefusal, and what reading and the store throw
 */
export async function receiveInbox(
  inbox: Inbox,
  request: InboxRequest,
  reading: InboxReading,
): Promise<StatusMessage> {
  const { account, messageId } = request
  const sentTo = await findSentTo(inbox, request, reading.destinations)
  const blocks: InboxBlock[] = []
  let observables = 0
  const onClaims = (added: number) => {
    observables += added
    if (observables > mostObservables) throw tooMany()
    request.onObservables(added)
  }
  for await (const { number, binding, content } of reading.blocks) {
    try {
      checkBinding(binding)
      // A block without an observable is held, and has a row, too.
      onClaims(1)
      const { receivedAt, declarations } = request
      const { tlp } = inbox.settings
      const read = await readStixContent(content, declarations, { tlp, receivedAt, onClaims })
      blocks.push(toBlock(read, binding.bindingId, receivedAt, tlp))
    } catch (error) {
      throw tellBlock(error, number)
    }
  }
  try {
    const delivered = await inbox.deliver({
      account,
      messageId: cut(messageId, maxTitle),
      sentTo,
      blocks,
    })
    const { notUnderstood, empty } = delivered
    const { known } = delivered.outcomes
    const words = [
      `${delivered.blocks} content ${delivered.blocks === 1 ? 'block' : 'blocks'} for ${sentTo.join(', ')}`,
      known > 0 ? `${known} of them known already` : '',
      empty > 0 ? `nothing in ${empty} of them understood, so nothing of these is published` : '',
      notUnderstood > 0 ? `not understood in them: ${notUnderstood}` : '',
    ]
    return {
      type: 'Status_Message',
      statusType: 'SUCCESS',
      inResponseTo: messageId,
      details: [],
      message: words.filter((word) => word !== '').join('; '),
    }
  } catch (error) {
    if (!(error instanceof DeliveryRefused)) throw error
    throw mayNotSend(error.message)
  }
}

const whatSendingTakes =
  'that takes a grant to write, and the permission feed:write where a token is limited'
const sendsNowhere = `this account may send to no collection: ${whatSendingTakes}, and a collection with inbox`

/** @returns the collections that the message goes to */
async function findSentTo(
  inbox: Inbox,
  { account, namesDestinations }: InboxRequest,
  names: readonly string[],
): Promise<readonly string[]> {
  const { destination } = inbox.settings
  const wrong = async (reason: string) => {
    const own = await inbox.readOwnDestinations(account)
    return destinationError(own.length > 0 ? reason : `${reason}; ${sendsNowhere}`, own)
  }
  if (names.length === 0) {
    if (namesDestinations && destination === 'required') {
      throw await wrong('the message names no Destination_Collection_Name, and one is needed here')
    }
    const all = await inbox.readOwnDestinations(account)
    if (all.length > 0) return all
    throw mayNotSend(sendsNowhere)
  }
  if (destination === 'prohibited') {
    throw await wrong('the message names a Destination_Collection_Name, and none is taken here')
  }
  const found = new Map(
    (await inbox.findDestinations(account, names)).map((one) => [one.name, one]),
  )
  for (const name of names) {
    const one = found.get(name)
    if (!one) throw notFound('collection', name)
    if (!one.writable)
      throw mayNotSend(`this account may not send to "${name}": ${whatSendingTakes}`)
    if (!one.inbox) throw await wrong(`the collection "${name}" takes no Inbox_Messages`)
  }
  return [...found.keys()]
}

function checkBinding({ bindingId, subtypeIds }: RequestedBinding): void {
  const isKnown = inboxBindings.includes(bindingId)
  if (isKnown && subtypeIds.length === 0) return
  const what = isKnown ? `the subtype ${subtypeIds[0]} of ${bindingId}` : bindingId
  throw unreadContent(what, inboxBindings)
}

function tooMany(): TaxiiRefusal {
  return failure(
    `the message holds more than ${mostObservables} observables and content blocks; send them in several messages`,
  )
}

function toBlock(
  { digest, length, claims, kept }: Awaited<ReturnType<typeof readStixContent>>,
  contentBinding: string,
  receivedAt: Date,
  tlp: Tlp,
): InboxBlock {
  const { id, timestamp, header, isRead } = claims
  const moment = timestamp ?? receivedAt
  return {
    digest,
    contentBinding,
    bytes: length,
    packageId: id,
    report: {
      // What is not read is no revision of what was: it takes nothing back.
      externalId: (isRead && id) || `sha256:${digest.toString('hex')}`,
      name: cut(header?.title, maxTitle),
      description: cut(header?.description ?? header?.shortDescription, maxDescription),
      author: cut(header?.source?.name, maxTitle),
      tlp: header?.markings.tlp ?? tlp,
      public: true,
      revision: timestamp?.toISOString() ?? '',
      created: moment,
      modified: moment,
      adversary: cut(claims.actors.join(', '), maxTitle),
      tags: [],
      references: (header?.source?.references ?? [])
        .slice(0, mostReferences)
        .map((one) => cut(one, maxReference)),
      targetedCountries: [],
      industries: [],
      malwareFamilies: claims.malware,
      attackIds: claims.attackPatterns,
    },
    isDated: timestamp !== undefined,
    assertions: claims.claims,
    notUnderstood: [...claims.notUnderstood.values()].reduce((sum, one) => sum + one, 0),
    detail: tellNotUnderstood(claims),
    content: kept,
  }
}

const maxTitle = 500
const maxDescription = 5_000
const maxReference = 2_000
const mostReferences = 100

function cut(text: string | undefined, length: number): string {
  return (text ?? '').slice(0, length).toWellFormed()
}

function tellNotUnderstood({ claims, notUnderstood }: PackageClaims): string {
  const counts = [...notUnderstood].map(([what, count]) => `${count} ${what}`)
  if (counts.length > 0) return counts.join(', ')
  return claims.length > 0 ? '' : 'there is no indicator or observable in it'
}
