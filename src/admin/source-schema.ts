import { type Static, Type } from 'typebox'
import { sourceStatuses } from '../model/source-state.ts'
import { closed, count, moment, nullable, nullableMoment, oneOf, pageOf } from './schemas.ts'

const properties = {
  name: Type.String(),
  status: oneOf(
    sourceStatuses,
    'by inbox: what an account sent by Inbox_Messages, which nobody walks.',
  ),
  problems: Type.Array(
    Type.Object({
      code: Type.String({ description: 'Stable; docs/errors.md has all.' }),
      message: Type.String(),
      advice: Type.String({ description: 'What to do about it.' }),
      lastMetAt: moment('When it was last met.'),
    }),
    { description: 'Why it is degraded.' },
  ),
  degradedSince: nullableMoment('The first moment of what is not over yet.'),
  lastWholeWalkAt: nullableMoment('When everything was last seen to its end.'),
  lastTriedAt: nullableMoment('When it was last asked for something.'),
  nextTryAt: nullableMoment(
    'What is waited for; null while it is being asked, or nobody walks it.',
  ),
  watermark: nullableMoment('What had changed there until then has been taken in.'),
  walk: nullable(
    Type.Object({
      since: moment('When it began.'),
      underWay: Type.Boolean(),
      passed: nullable(Type.Integer(), 'Records of its list that it has passed.'),
      total: nullable(Type.Integer(), 'Of how many, where the source says so.'),
    }),
    'How far the walk is, or was when it broke; null between whole walks.',
  ),
  unfinishedReports: count('Reports that are in the store without all that they hold.'),
  walker: nullable(Type.String(), 'The process that walks it; null: none.'),
}

export const Source = Type.Object(properties)
export type Source = Static<typeof Source>

export const SourcePage = pageOf('sources', Source)
export type SourcePage = Static<typeof SourcePage>

export const DetailedSource = Type.Object({
  ...properties,
  counts: Type.Object({
    reports: count('That the source has still.'),
    goneReports: count('That the source has no more.'),
    assertions: count('What they assert.'),
    survivingAssertions: count('Of these: what nothing keeps out.'),
    rejections: count('Records that could not be read.'),
  }),
  authors: Type.Array(Type.Object({ author: Type.String(), reports: Type.Integer() }), {
    description: 'The ten most frequent, with the number of their reports.',
  }),
})
export type DetailedSource = Static<typeof DetailedSource>

export const ResyncBody = closed({
  since: moment('What has changed at the source since then is taken in anew; in the past.'),
})
export type ResyncBody = Static<typeof ResyncBody>

export const Resync = Type.Object({
  source: Type.String(),
  since: moment('As it was asked for.'),
  begins: oneOf(
    ['after the walk under way', 'at the next try', 'when somebody walks it'],
    'Nobody walks a source while no service with its key runs.',
  ),
  nextTryAt: nullableMoment('Of the next try, where that is known.'),
})
export type Resync = Static<typeof Resync>
