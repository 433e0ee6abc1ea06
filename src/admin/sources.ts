import { Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import { requestResync } from '../ingest/walk-cursor.ts'
import { findAccountOfSource } from '../model/selection.ts'
import { adviceOn } from '../model/source-advice.ts'
import { statusOf } from '../model/source-state.ts'
import type { Db } from '../store/db.ts'
import { countSource, readAuthors } from '../store/source-figures.ts'
import { getSource, readSources, type StoredSource } from '../store/source-state.ts'
import { logChange } from './account-access.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { ValidationFailed } from './errors.ts'
import { answerOnce } from './idempotency.ts'
import { readMoment } from './moment.ts'
import type { AdminParts } from './parts.ts'
import { answer, pageQuery, toPage, usualPerPage } from './schemas.ts'
import type { AdminScope } from './scope.ts'
import { DetailedSource, Resync, ResyncBody, type Source, SourcePage } from './source-schema.ts'

const tags = ['sources']
const NameParameter = Type.Object({ name: Type.String({ description: 'Such as otx.' }) })

export function sourceRoutes(scope: AdminScope, parts: AdminParts): void {
  const { db, intake } = parts
  // Each holds a connection while it waits for who is writing: many at once would leave none for polls.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }

  scope.get(
    '/api/v1/sources',
    {
      config: { permission: 'sources:read' },
      schema: {
        operationId: 'listSources',
        summary: 'Where indicators come from, and how each is',
        tags,
        querystring: pageQuery,
        response: { 200: answer('By name.', SourcePage) },
      },
    },
    async (request): Promise<SourcePage> => {
      const { limit = usualPerPage, cursor } = request.query
      const key = Type.Tuple([Type.String()])
      const [after = ''] = cursor === undefined ? [] : decodeCursor('sources', cursor, key)
      // A handful: what there is upstream.
      const all = (await readSources(db)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
      const rest = all.filter(({ name }) => name > after)
      const { page, next } = toPage(rest, limit, ({ name }) => encodeCursor('sources', [name]))
      return { sources: page.map(sourceToJson), next }
    },
  )

  scope.get(
    '/api/v1/sources/:name',
    {
      config: { permission: 'sources:read' },
      schema: {
        operationId: 'getSource',
        summary: 'One source, with what it has brought',
        tags,
        params: NameParameter,
        response: { 200: answer('How it is.', DetailedSource) },
      },
    },
    async (request) => readDetailedSource(db, await getSource(db, request.params.name)),
  )

  scope.post(
    '/api/v1/sources/:name/resync',
    {
      config: { permission: 'sources:write' },
      schema: {
        operationId: 'resyncSource',
        summary: 'Let the next walk begin with what has changed at the source since a moment',
        description: 'It waits until writing that is under way has ended: seconds at most.',
        tags,
        params: NameParameter,
        body: ResyncBody,
        response: { 202: answer('When it begins.', Resync, 'Idempotency-Replayed') },
      },
    },
    async (request, reply) => {
      const since = readMoment('/since', request.body.since)
      if (since > intake.clock()) {
        throw new ValidationFailed([{ place: '/since', message: 'must lie in the past' }])
      }
      return inTurn(() =>
        answerOnce(request, reply, parts, async (trx) => {
          const source = await getSource(trx, request.params.name)
          if (findAccountOfSource(source.name) !== undefined) throw notWalked(source.name)
          await requestResync(trx, source.id, since)
          const details = { source: source.name, since: since.toISOString() }
          return {
            status: 202,
            body: describeResync(source, since),
            afterCommit: () =>
              logChange(
                parts.log,
                getCaller(request),
                details,
                'asked for a walk from a moment on',
              ),
          }
        }),
      )
    },
  )
}

function notWalked(name: string): ValidationFailed {
  const message = `must be a source that is walked; ${name} is what an account sends by Inbox_Messages`
  return new ValidationFailed([{ place: 'name', message }])
}

function describeResync({ name, state, walker }: StoredSource, since: Date): Resync {
  const begins = !walker
    ? 'when somebody walks it'
    : state.walk?.underWay
      ? 'after the walk under way'
      : 'at the next try'
  return {
    source: name,
    since: since.toISOString(),
    begins,
    nextTryAt: begins === 'at the next try' ? momentOrNull(state.nextTryAt) : null,
  }
}

function sourceToJson(stored: StoredSource): Source {
  const { name, state, watermark, place, unfinished, walker } = stored
  const { walk } = state
  return {
    name,
    status: findAccountOfSource(name) === undefined ? statusOf(state) : 'by inbox',
    problems: state.problems.map(({ code, message, at }) => ({
      code,
      message,
      advice: adviceOn(code),
      lastMetAt: at.toISOString(),
    })),
    degradedSince: momentOrNull(state.degradedSince),
    lastWholeWalkAt: momentOrNull(state.lastWholeWalkAt),
    lastTriedAt: momentOrNull(state.lastTriedAt),
    nextTryAt: momentOrNull(state.nextTryAt),
    watermark: momentOrNull(watermark),
    walk: walk
      ? {
          since: walk.since.toISOString(),
          underWay: walk.underWay,
          passed: place?.passed ?? null,
          total: place?.total ?? null,
        }
      : null,
    unfinishedReports: unfinished,
    walker: walker ?? null,
  }
}

async function readDetailedSource(db: Db, source: StoredSource): Promise<DetailedSource> {
  const counts = await countSource(db, source.id)
  const authors = await readAuthors(db, source.id, 10)
  return { ...sourceToJson(source), counts, authors: [...authors] }
}

function momentOrNull(date: Date | undefined): string | null {
  return date?.toISOString() ?? null
}
