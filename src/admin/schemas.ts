import { type Static, type TSchema, Type } from 'typebox'
import { problemContent } from '../http/problem.ts'

/*
 * What the schemas of routes share. Objects of requests are made by `closed`, so that a misspelt property is
 * an error and not left out in silence.
 */

export const moment = (description: string) => Type.String({ description, format: 'date-time' })

export const nullable = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })

export const nullableMoment = (description: string) =>
  nullable(Type.String({ format: 'date-time' }), description)

export const count = (description: string) => Type.Integer({ description, minimum: 0 })

/** One of these words. */
export const oneOf = <const T extends readonly string[]>(words: T, description?: string) =>
  Type.Unsafe<T[number]>({
    type: 'string',
    enum: [...words],
    ...(description !== undefined && { description }),
  })

/** An object of a request: no property but these. */
export const closed = <T extends Record<string, TSchema>>(properties: T, description?: string) =>
  Type.Object(properties, {
    additionalProperties: false,
    ...(description !== undefined && { description }),
  })

export const mostPerPage = 500
export const usualPerPage = 100

/** Of the query string of a list; spread it beside the list's own filters into `closed`. */
export const pageParameters = {
  limit: Type.Optional(
    Type.Integer({
      description: 'How many at most.',
      minimum: 1,
      maximum: mostPerPage,
      default: usualPerPage,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      description: '`next` of the page before.',
      minLength: 1,
      maxLength: 1_024,
    }),
  ),
}
export const pageQuery = closed(pageParameters)

/** The 200 of a list: `{ <plural>: [...], next }`. */
export const pageOf = <K extends string, T extends TSchema>(plural: K, item: T) =>
  Type.Object(
    {
      ...({ [plural]: Type.Array(item) } as { [name in K]: ReturnType<typeof Type.Array<T>> }),
      next: nullable(Type.String(), 'The cursor of the next page; null: this is the last.'),
    },
    { description: 'A page of them.' },
  )

/**
 * One page of the rows that were read: ask the store for one more than the page may hold.
 * @param cursorOf tells, of the last row of this page, where the next begins
 */
export function toPage<T>(
  rows: readonly T[],
  limit: number | undefined,
  cursorOf: (last: T) => string,
): { readonly page: readonly T[]; readonly next: string | null } {
  const page = rows.slice(0, limit ?? usualPerPage)
  const last = page.at(-1)
  return { page, next: rows.length > page.length && last !== undefined ? cursorOf(last) : null }
}

const etag = { ETag: { description: 'Names this state of it.', type: 'string' } }
const descriptions: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood; each fault is named.',
  401: 'No valid token, JWT or client certificate. HTTP Basic is not taken here.',
  403: 'The account or the token may not.',
  404: 'It is not there.',
  409: 'What is there stands against it.',
  412: 'It is not what the If-Match or If-None-Match says.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'Another request was sent under this Idempotency-Key.',
  429: 'Too many wrong credentials came from this address.',
  500: 'A defect; the log has it under the request’s id.',
  503: 'The database does not answer.',
}

/** Problems that a route answers, beside those that all share: `response: { 200: …, ...refusals(409, 412) }`. */
export function refusals(...statuses: readonly number[]): Record<number, object> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: descriptions[status] ?? 'Refused.', ...problemContent },
    ]),
  )
}

/**
 * An answer that is described, with the headers that it has.
 * @example response: { 201: answer('Made.', account, 'ETag', 'Location') }
 */
export function answer<T extends TSchema>(
  description: string,
  schema: T,
  ...headers: readonly (keyof typeof knownHeaders)[]
): T {
  const entries = headers.map((name) => [name, knownHeaders[name]])
  return {
    ...schema,
    description,
    ...(entries.length > 0 && { headers: Object.fromEntries(entries) }),
  }
}

const knownHeaders = {
  ...etag,
  Location: { description: 'Where it is.', type: 'string' },
  'Idempotency-Replayed': {
    description: 'true: the answer that was given before under this Idempotency-Key.',
    type: 'string',
  },
}

export const noContent = (description: string) => Type.Null({ description })

/** For the headers of a GET whose answer has an ETag. */
export const ifNoneMatchHeaders = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({ description: 'ETags that the caller has: 304 where it is one of them still.' }),
  ),
})

/** For the headers of a PUT, PATCH or DELETE; of a PUT that may make something, `If-None-Match: *` too. */
export const ifMatchHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'ETags: it is changed only while it is one of them, else 412.' }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: '`*`: only if it is not there yet, else 412.' }),
  ),
})

export type PageQuery = Static<typeof pageQuery>
