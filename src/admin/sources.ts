import type { FastifyInstance } from 'fastify'
import { problemContent } from '../http/problem.ts'
import { adviceOn } from '../model/source-advice.ts'
import { sourceStatuses, statusOf } from '../model/source-state.ts'
import type { Db } from '../store/db.ts'
import { countSource, readAuthors, type SourceFigures } from '../store/source-figures.ts'
import { getSource, readSources, type StoredSource } from '../store/source-state.ts'

const moment = (description: string) => ({
  description,
  anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }],
})
const count = (description: string) => ({ description, type: 'integer', minimum: 0 })
const optionalCount = (description: string) => ({
  description,
  anyOf: [{ type: 'integer' }, { type: 'null' }],
})

const properties = {
  name: { type: 'string' },
  status: { enum: [...sourceStatuses] },
  problems: {
    description: 'Why it is degraded.',
    type: 'array',
    items: {
      type: 'object',
      required: ['code', 'message', 'advice', 'lastMetAt'],
      properties: {
        code: { description: 'Stable; docs/errors.md has all.', type: 'string' },
        message: { type: 'string' },
        advice: { description: 'What to do about it.', type: 'string' },
        lastMetAt: { type: 'string', format: 'date-time' },
      },
    },
  },
  degradedSince: moment('The first moment of what is not over yet.'),
  lastWholeWalkAt: moment('When everything was last seen to its end.'),
  lastTriedAt: moment('When it was last asked for something.'),
  nextTryAt: moment('What is waited for; null while it is being asked, or nobody walks it.'),
  watermark: moment('What had changed there until then has been taken in.'),
  walk: {
    description: 'How far the walk is, or was when it broke; null between whole walks.',
    anyOf: [
      {
        type: 'object',
        required: ['since', 'underWay', 'passed', 'total'],
        properties: {
          since: { type: 'string', format: 'date-time' },
          underWay: { type: 'boolean' },
          passed: optionalCount('Records of its list that it has passed.'),
          total: optionalCount('Of how many, where the source says so.'),
        },
      },
      { type: 'null' },
    ],
  },
  unfinishedReports: count('Reports that are in the store without all that they hold.'),
  walker: {
    description: 'The process that walks it; null: none.',
    anyOf: [{ type: 'string' }, { type: 'null' }],
  },
}

const source = { type: 'object', required: Object.keys(properties), properties }
const detailed = {
  type: 'object',
  required: [...Object.keys(properties), 'counts', 'authors'],
  properties: {
    ...properties,
    counts: {
      type: 'object',
      required: ['reports', 'goneReports', 'assertions', 'survivingAssertions', 'rejections'],
      properties: {
        reports: count('That the source has still.'),
        goneReports: count('That the source has no more.'),
        assertions: count('What they assert.'),
        survivingAssertions: count('Of these: what nothing keeps out.'),
        rejections: count('Records that could not be read.'),
      },
    },
    authors: {
      description: 'The ten most frequent, with the number of their reports.',
      type: 'array',
      items: {
        type: 'object',
        required: ['author', 'reports'],
        properties: { author: { type: 'string' }, reports: { type: 'integer' } },
      },
    },
  },
}

const refusals = {
  401: { description: 'No valid name and password.', ...problemContent },
  403: { description: 'The account or the token may not.', ...problemContent },
  503: { description: 'The database does not answer.', ...problemContent },
}

export function sourceRoutes(app: FastifyInstance, db: Db): void {
  app.get(
    '/api/v1/sources',
    {
      config: { permission: 'sources:read' },
      schema: {
        operationId: 'listSources',
        summary: 'Where indicators come from, and how each is',
        tags: ['sources'],
        security: [{ basic: [] }],
        response: {
          200: {
            description: 'All of them.',
            type: 'object',
            required: ['sources'],
            properties: { sources: { type: 'array', items: source } },
          },
          ...refusals,
        },
      },
    },
    async () => ({ sources: (await readSources(db)).map(sourceToJson) }),
  )

  app.get<{ Params: { name: string } }>(
    '/api/v1/sources/:name',
    {
      config: { permission: 'sources:read' },
      schema: {
        operationId: 'getSource',
        summary: 'One source, with what it has brought',
        tags: ['sources'],
        security: [{ basic: [] }],
        params: {
          type: 'object',
          required: ['name'],
          properties: { name: { description: 'Such as otx.', type: 'string' } },
        },
        response: {
          200: { description: 'How it is.', ...detailed },
          ...refusals,
          404: { description: 'There is no such source.', ...problemContent },
        },
      },
    },
    async ({ params: { name } }) => readDetailedSource(db, await getSource(db, name)),
  )
}

/** A source as the REST interface and `taxiway source --json` print it. */
export function sourceToJson({ name, state, watermark, place, unfinished, walker }: StoredSource) {
  const { walk } = state
  return {
    name,
    status: statusOf(state),
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

export interface DetailedSource extends ReturnType<typeof sourceToJson> {
  readonly counts: SourceFigures
  readonly authors: readonly { readonly author: string; readonly reports: number }[]
}

export async function readDetailedSource(db: Db, source: StoredSource): Promise<DetailedSource> {
  const counts = await countSource(db, source.id)
  return { ...sourceToJson(source), counts, authors: await readAuthors(db, source.id, 10) }
}

function momentOrNull(date: Date | undefined): string | null {
  return date?.toISOString() ?? null
}
