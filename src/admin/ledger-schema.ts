import { type Static, Type } from 'typebox'
import { contentBindings } from '../model/collection.ts'
import {
  closed,
  count,
  moment,
  nullable,
  nullableMoment,
  oneOf,
  pageOf,
  pageParameters,
} from './schemas.ts'

export const LedgerQuery = closed({
  account: Type.Optional(Type.String({ description: 'Of this account.', maxLength: 128 })),
  collection: Type.Optional(Type.String({ description: 'Of this collection.', maxLength: 128 })),
  since: Type.Optional(moment('Begun at or after.')),
  ...pageParameters,
})

export const LedgerEntry = Type.Object({
  startedAt: moment('When it was asked.'),
  account: nullable(Type.String(), 'null: it is gone.'),
  address: Type.String({ description: 'Of the client.' }),
  client: Type.String({ description: 'Its User-Agent.' }),
  collection: nullable(Type.String(), 'null: it is gone.'),
  binding: Type.Enum([...contentBindings]),
  countsOnly: Type.Boolean({ description: 'It asked how many there are, and was sent none.' }),
  askedBegin: nullableMoment('Of the window that was asked for; null: none.'),
  askedEnd: nullableMoment('Of the window that was asked for; null: none.'),
  consideredBegin: nullableMoment('Of the window that was answered; null: from the first.'),
  consideredEnd: moment('Of the window that was answered.'),
  resultId: nullable(Type.String(), 'Of the result set; null: one whole answer.'),
  part: nullable(Type.Integer(), 'Of the result set.'),
  blocks: nullable(count('Sent whole.'), 'Sent whole; null until it has ended.'),
  bytes: nullable(count('Sent.'), 'Sent; null until it has ended.'),
  durationMs: nullable(count('Milliseconds.'), 'null until it has ended.'),
  status: oneOf(
    ['under way', 'complete', 'broken off'],
    'What is under way for long is of a process that died: it may have been sent everything.',
  ),
})
export type LedgerEntry = Static<typeof LedgerEntry>

export const LedgerPage = pageOf('polls', LedgerEntry)
export type LedgerPage = Static<typeof LedgerPage>
