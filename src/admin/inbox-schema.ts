import { type Static, Type } from 'typebox'
import { inboxOutcomes } from '../store/inbox.ts'
import { closed, count, moment, nullable, oneOf, pageOf, pageParameters } from './schemas.ts'

const outcomeWords =
  'taken-in: all of it was understood; partly; not-understood: nothing of it is published; outdated: a newer revision of the package was there already.'

export const InboxQuery = closed({
  account: Type.Optional(Type.String({ description: 'Sent by this account.', maxLength: 128 })),
  collection: Type.Optional(
    Type.String({ description: 'Sent to this collection.', maxLength: 128 }),
  ),
  outcome: Type.Optional(oneOf(inboxOutcomes, outcomeWords)),
  since: Type.Optional(moment('Came at or after.')),
  ...pageParameters,
})

export const InboxBlock = Type.Object({
  id: Type.Integer({ description: 'Of the block here.' }),
  receivedAt: moment('When it came last; of the same again within a day, when it came first.'),
  account: Type.String({ description: 'Who sent it.' }),
  messageId: Type.String({ description: 'Of the Inbox_Message that brought it last.' }),
  sentTo: Type.Array(Type.String(), { description: 'Collections.' }),
  contentBinding: Type.String({ description: 'As the message named it.' }),
  packageId: nullable(Type.String(), 'Of the STIX package; null: it has none.'),
  digest: Type.String({ description: 'SHA-256 of what it holds, however it is spelled.' }),
  size: count('About how many characters it has.'),
  outcome: oneOf(inboxOutcomes, outcomeWords),
  observables: count('Values in it that became assertions.'),
  notUnderstood: count('Things in it that did not.'),
  detail: Type.String({ description: 'What was not understood, and why.' }),
  isKept: Type.Boolean({ description: 'Whether its content can be downloaded.' }),
})
export type InboxBlock = Static<typeof InboxBlock>

export const InboxPage = pageOf('blocks', InboxBlock)
export type InboxPage = Static<typeof InboxPage>
