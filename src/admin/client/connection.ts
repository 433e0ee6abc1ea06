import { AnswerUnreadable, type Fault, RefusedByServer } from './errors.ts'
import type { AdminAnswer, AdminRequest, AdminTransport } from './transport.ts'

export type Query = Readonly<Record<string, string | number | undefined>>

/** What the typed calls stand on: JSON goes out, JSON or an error comes back. */
export interface AdminConnection {
  readonly where: string
  readonly isServer: boolean
  /** @throws RefusedByServer, AnswerUnreadable, ServerUnreachable */
  ask<T>(method: AdminRequest['method'], path: string, body?: object): Promise<T>
  /** The members of a list, page by page. @param plural the property of a page that holds them */
  pages<T>(path: string, plural: string, query?: Query): AsyncGenerator<readonly T[]>
  /** See `AdminTransport`. */
  readonly settle?: () => Promise<void>
  close(): Promise<void>
}

const pageSize = 500

/** @param version of this command: sent along, so that the server's log tells of it */
export function createConnection(transport: AdminTransport, version: string): AdminConnection {
  const { where, isServer } = transport
  const ask = async <T>(
    method: AdminRequest['method'],
    path: string,
    body?: object,
  ): Promise<T> => {
    const answer = await transport.send({
      method,
      path: `/api/v1${path}`,
      headers: { 'user-agent': `taxiway/${version}` },
      ...(body && { body: JSON.stringify(body) }),
    })
    return readAnswer(answer, where) as T
  }
  return {
    where,
    isServer,
    ask,
    async *pages<T>(path: string, plural: string, query: Query = {}) {
      let cursor: string | null = null
      do {
        const asked = queryText({ limit: pageSize, ...query, cursor: cursor ?? undefined })
        const page: Record<string, unknown> = await ask('GET', `${path}${asked}`)
        const members = page[plural]
        if (!Array.isArray(members)) throw strange(where, `its list has no "${plural}"`)
        yield members as readonly T[]
        const next = (page.next ?? null) as string | null
        if (next !== null && next === cursor) throw strange(where, 'its list does not go on')
        cursor = next
      } while (cursor !== null)
    },
    ...(transport.settle && { settle: transport.settle }),
    close: () => transport.close(),
  }
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value))
  }
  return `?${parameters}`
}

function readAnswer({ status, headers, text }: AdminAnswer, where: string): unknown {
  const type = String(headers['content-type'] ?? '').split(';', 1)[0]
  if (status >= 300 && status < 400) {
    throw new AnswerUnreadable(
      `${where} leads elsewhere (HTTP ${status}, to ${headers.location ?? 'no address'}); give the address where Taxiway itself answers`,
    )
  }
  if (status === 204) return undefined
  const isJson = type === 'application/json' || type === 'application/problem+json'
  const content = isJson ? parse(text) : undefined
  if (status >= 200 && status < 300 && type === 'application/json' && content !== undefined) {
    return content
  }
  const problem = content as Partial<Problem> | undefined
  if (type === 'application/problem+json' && typeof problem?.detail === 'string') {
    if (problem.code === 'NOT_FOUND') {
      throw new AnswerUnreadable(
        `${where} does not know what it was asked: it is of another version than this command, or another path leads to Taxiway`,
      )
    }
    throw refusal(problem, status, where)
  }
  throw strange(where, `HTTP ${status}, ${type || 'of no type'}`)
}

interface Problem {
  readonly detail: string
  readonly code: string
  readonly errors: readonly Fault[]
}

function refusal(
  { detail = '', code, errors }: Partial<Problem>,
  status: number,
  where: string,
): Error {
  const faults = Array.isArray(errors) ? errors : []
  const said = asClause(detail)
  // Else nobody would know whose log is meant.
  const isDefect = status === 500 && (code === undefined || code === 'INTERNAL')
  const message = isDefect ? `${where} met an error that nobody had thought of: ${said}` : said
  return new RefusedByServer(code ?? codeOf(status), message, status, faults)
}

function codeOf(status: number): string {
  const codes: Record<number, string> = { 401: 'UNAUTHORIZED', 403: 'NOT_PERMITTED' }
  return codes[status] ?? (status >= 500 ? 'INTERNAL' : 'REFUSED')
}

/** A sentence as it goes on after "taxiway: ", as the command's own errors do. */
function asClause(sentence: string): string {
  const isOne = !/[.!?] \S/.test(sentence)
  return sentence
    .replace(/^[A-Z](?=[a-z ])/, (first) => first.toLowerCase())
    .replace(/\.$/, isOne ? '' : '.')
}

function strange(where: string, what: string): AnswerUnreadable {
  return new AnswerUnreadable(
    `what answers at ${where} is not Taxiway's REST interface (${what}): is it a proxy's page, or another address?`,
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
