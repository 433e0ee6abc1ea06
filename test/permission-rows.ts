/**
 * Who may do what: each row is a route, and what it answers each caller. docs/security.md has the same table.
 *
 * yes: it is done. 401: who asks is not known, or of an Inbox_Message may not send it there (UNAUTHORIZED of
 * TAXII). 403: known, and may not (DENIED). 404: there is no such thing, as far as this caller is told (NOT_FOUND).
 * 405: not by this method.
 */
export const callers = [
  'nobody',
  'disabled',
  'password',
  'reader',
  'curator',
  'responder',
  'limited',
  'administrator',
  'socket',
] as const
export type Caller = (typeof callers)[number]
export type Outcome = 'yes' | '401' | '403' | '404' | '405'

/**
 * `own` is granted to reader, curator and responder to read and write, `readable` to read alone, `writable` to
 * write alone, `other` not at all. All take Inbox_Messages.
 */
export interface Row {
  /** as `METHOD /path/:parameter`; `TAXII` stands for each of its paths */
  readonly route: string
  /** which case of it, where there are several */
  readonly of?: string
  readonly outcomes: Readonly<Record<Caller, Outcome>>
}

/** The columns in the order of `callers`. */
const table = `
GET /livez                                              | yes yes yes yes yes yes yes yes yes
GET /readyz                                             | yes yes yes yes yes yes yes yes 404
GET /metrics                                            | yes yes yes yes yes yes yes yes 404
GET /docs                                               | yes yes yes yes yes yes yes yes 404
GET /docs/json                                          | yes yes yes yes yes yes yes yes 404
GET /docs/yaml                                          | yes yes yes yes yes yes yes yes 404
GET /docs/static/index.html                             | yes yes yes yes yes yes yes yes 404
GET /docs/static/swagger-initializer.js                 | yes yes yes yes yes yes yes yes 404
GET /docs/static/*                                      | yes yes yes yes yes yes yes yes 404
POST /management/auth, of its own name and password     | 401 401 yes yes yes yes yes yes 404
POST /management/auth/, of its own name and password    | 401 401 yes yes yes yes yes yes 404
GET /api/v1/account                                     | 401 401 401 yes yes yes yes yes yes
GET /api/v1/accounts                                    | 401 401 401 403 403 403 403 yes yes
POST /api/v1/accounts                                   | 401 401 401 403 403 403 403 yes yes
GET /api/v1/accounts/:name                              | 401 401 401 403 403 403 403 yes yes
GET /api/v1/accounts/:name, its own                     | 401 401 401 403 403 403 403 yes yes
PATCH /api/v1/accounts/:name                            | 401 401 401 403 403 403 403 yes yes
PATCH /api/v1/accounts/:name, to administrator          | 401 401 401 403 403 403 403 yes yes
PUT /api/v1/accounts/:name/password                     | 401 401 401 403 403 403 403 yes yes
GET /api/v1/accounts/:name/grants                       | 401 401 401 403 403 403 403 yes yes
PUT /api/v1/accounts/:name/grants/:collection, own      | 401 401 401 403 403 403 403 yes yes
PUT /api/v1/accounts/:name/grants/:collection, other    | 401 401 401 403 403 403 403 yes yes
DELETE /api/v1/accounts/:name/grants/:collection        | 401 401 401 403 403 403 403 yes yes
GET /api/v1/accounts/:name/tokens                       | 401 401 401 403 403 403 403 yes yes
POST /api/v1/accounts/:name/tokens                      | 401 401 401 403 403 403 403 yes yes
POST /api/v1/accounts/:name/tokens, its own             | 401 401 401 403 403 403 403 yes yes
DELETE /api/v1/accounts/:name/tokens/:id                | 401 401 401 403 403 403 403 yes yes
GET /api/v1/accounts/:name/certificates                 | 401 401 401 403 403 403 403 yes yes
POST /api/v1/accounts/:name/certificates                | 401 401 401 403 403 403 403 yes yes
DELETE /api/v1/accounts/:name/certificates/:id          | 401 401 401 403 403 403 403 yes yes
GET /api/v1/sources                                     | 401 401 401 403 yes yes yes yes yes
GET /api/v1/sources/:name                               | 401 401 401 403 yes yes yes yes yes
POST /api/v1/sources/:name/resync                       | 401 401 401 403 403 403 403 yes yes
GET /api/v1/collections                                 | 401 401 401 yes yes yes 403 yes yes
GET /api/v1/collections/:name, own                      | 401 401 401 yes yes yes 403 yes yes
GET /api/v1/collections/:name, readable                 | 401 401 401 yes yes yes 403 yes yes
GET /api/v1/collections/:name, other                    | 401 401 401 404 404 404 403 yes yes
GET /api/v1/collections/:name, missing                  | 401 401 401 404 404 404 403 404 404
PUT /api/v1/collections/:name, own                      | 401 401 401 403 yes 403 403 yes yes
PUT /api/v1/collections/:name, own with a higher TLP    | 401 401 401 403 403 403 403 yes yes
PUT /api/v1/collections/:name, own made not public      | 401 401 401 403 403 403 403 yes yes
PUT /api/v1/collections/:name, readable                 | 401 401 401 403 403 403 403 yes yes
PUT /api/v1/collections/:name, other                    | 401 401 401 403 404 403 403 yes yes
PUT /api/v1/collections/:name, new                      | 401 401 401 403 404 403 403 yes yes
POST /api/v1/collections/apply, own                     | 401 401 401 403 yes 403 403 yes yes
POST /api/v1/collections/apply, own and readable        | 401 401 401 403 403 403 403 yes yes
POST /api/v1/collections/apply, own and other           | 401 401 401 403 404 403 403 yes yes
POST /api/v1/collections/apply, other tried only        | 401 401 401 403 404 403 403 yes yes
GET /api/v1/ledger                                      | 401 401 401 403 yes yes 403 yes yes
GET /api/v1/ledger, own                                 | 401 401 401 403 yes yes 403 yes yes
GET /api/v1/ledger, other                               | 401 401 401 403 404 404 403 yes yes
GET /api/v1/subscriptions                               | 401 401 401 403 yes yes 403 yes yes
GET /api/v1/subscriptions, own                          | 401 401 401 403 yes yes 403 yes yes
GET /api/v1/subscriptions, other                        | 401 401 401 403 404 404 403 yes yes
GET /api/v1/inbox                                       | 401 401 401 403 yes yes 403 yes yes
GET /api/v1/inbox/:id, missing                          | 401 401 401 403 404 404 403 404 404
GET /api/v1/inbox/:id/content, missing                  | 401 401 401 403 404 404 403 404 404
GET /api/v1/health                                      | 401 401 401 403 yes yes 403 yes yes
GET /api/v1/secrets                                     | 401 401 401 403 403 403 403 yes yes
POST /api/v1/secrets/rotate                             | 401 401 401 403 403 403 403 yes yes
OPTIONS TAXII                                           | yes yes yes yes yes yes yes yes 404
GET TAXII                                               | 405 405 405 405 405 405 405 405 404
PUT TAXII                                               | 405 405 405 405 405 405 405 405 404
PATCH TAXII                                             | 405 405 405 405 405 405 405 405 404
DELETE TAXII                                            | 405 405 405 405 405 405 405 405 404
POST TAXII, Discovery_Request                           | 401 401 yes yes yes yes yes yes 404
POST TAXII, Collection_Information_Request              | 401 401 yes yes yes yes yes yes 404
POST TAXII, Poll_Request own                            | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Poll_Request readable                       | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Poll_Request writable                       | 401 401 yes 404 404 404 403 yes 404
POST TAXII, Poll_Request other                          | 401 401 yes 404 404 404 403 yes 404
POST TAXII, Poll_Request missing                        | 401 401 404 404 404 404 403 404 404
POST TAXII, Poll_Fulfillment own                        | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Poll_Fulfillment of another account         | 401 401 404 404 404 404 403 404 404
POST TAXII, Poll_Fulfillment other                      | 401 401 404 404 404 404 403 404 404
POST TAXII, Inbox_Message own                           | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Inbox_Message writable                      | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Inbox_Message readable                      | 401 401 yes 401 401 401 403 yes 404
POST TAXII, Inbox_Message other                         | 401 401 yes 404 404 404 403 yes 404
POST TAXII, Inbox_Message missing                       | 401 401 404 404 404 404 403 404 404
POST TAXII, Subscription_Management_Request own         | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Subscription_Management_Request other       | 401 401 yes 404 404 404 403 yes 404
POST TAXII, SUBSCRIBE to readable                       | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Poll_Request by its own subscription        | 401 401 yes yes yes yes 403 yes 404
POST TAXII, Poll_Request by somebody's subscription     | 401 401 404 404 404 404 403 404 404
POST TAXII, PAUSE of somebody's subscription            | 401 401 404 404 404 404 403 404 404
`

export const rows: readonly Row[] = table
  .trim()
  .split('\n')
  .map((line) => {
    const [name = '', cells = ''] = line.split('|').map((part) => part.trim())
    const [route = '', of] = name.split(', ')
    const words = cells.split(/\s+/) as Outcome[]
    if (words.length !== callers.length) throw new Error(`${name} has ${words.length} outcomes`)
    const outcomes = Object.fromEntries(
      callers.map((caller, index) => [caller, words[index]]),
    ) as Record<Caller, Outcome>
    return { route, ...(of !== undefined && { of }), outcomes }
  })

export const taxiiPaths = [
  '/taxii/discovery',
  '/taxii/collections',
  '/taxii/poll',
  '/taxii/inbox',
  '/taxii/subscriptions',
  '/services/discovery',
  '/services/collection-management',
  '/services/feed-management',
  '/services/poll',
  '/services/inbox',
  '/taxii-discovery-service',
  '/taxii-data',
  '/taxi/poll',
].flatMap((path) => [path, `${path}/`])

/** The table as docs/security.md has it. */
export function rowsToMarkdown(): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(['Route', ...callers]),
    line(['---', ...callers.map(() => '---')]),
    ...rows.map(({ route, of, outcomes }) =>
      line([
        `\`${route}\`${of === undefined ? '' : `, ${of}`}`,
        ...callers.map((caller) => outcomes[caller]),
      ]),
    ),
  ].join('\n')
}
