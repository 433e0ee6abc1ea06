import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { parse } from 'yaml'
import { renderOpenapi } from '../scripts/openapi.ts'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly security?: readonly Record<string, readonly string[]>[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema?: object
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> }
  readonly responses?: Record<
    string,
    {
      readonly description?: string
      readonly headers?: Record<string, object>
      readonly content?: Record<string, { readonly schema?: object }>
    }
  >
}

interface Description {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: {
    readonly schemas: Record<string, object>
    readonly securitySchemes: Record<string, { readonly type: string }>
  }
}

const written = readFileSync(new URL('../openapi.yaml', import.meta.url), 'utf8')

t.test('openapi.yaml says what the routes say; else: npm run openapi', async (t) => {
  t.equal(written, await renderOpenapi())
})

t.test('it describes every REST route and none of TAXII’s', async (t) => {
  const { openapi, paths } = parse(written) as Description
  t.match(openapi, /^3\.1\./)
  for (const path of ['/livez', '/readyz', '/metrics', '/api/v1/accounts/{name}']) {
    t.hasProp(paths, path)
  }
  t.strictSame(
    Object.keys(paths).filter((path) => /taxi|services/.test(path)),
    [],
  )
})

/** Every operation with its place, such as `GET /livez`. */
function listOperations({ paths }: Description): [place: string, path: string, Operation][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      path,
      operation,
    ]),
  )
}

t.test('every operation has an id of its own and says what it does and answers', async (t) => {
  const operations = listOperations(parse(written))
  t.not(operations.length, 0)
  const ids = operations.map(([, , { operationId }]) => operationId)
  t.equal(new Set(ids).size, ids.length)
  for (const [place, , { operationId, summary, tags, responses = {} }] of operations) {
    t.match(operationId, /^[a-z][A-Za-z]+$/, place)
    t.match(summary, /./, place)
    t.equal(tags?.length, 1, place)
    t.ok(
      Object.keys(responses).some((status) => /^[23]/.test(status)),
      place,
    )
    for (const { description } of Object.values(responses)) t.match(description, /./, place)
  }
})

t.test('it is OpenAPI 3.1: what it refers to is there, and its schemas are schemas', async (t) => {
  const description = parse(written) as Description
  const { info, components } = description
  t.match(info, { title: 'Taxiway', version: /^\d/ })
  const ajv = new Ajv2020({ strict: false, validateSchema: 'log', logger: false })
  addFormats.default(ajv)
  const refs = [...written.matchAll(/\$ref: "([^"]+)"/g)].map((match) => String(match[1]))
  t.not(refs.length, 0)
  for (const ref of new Set(refs)) {
    t.ok(components.schemas[ref.replace('#/components/schemas/', '')], ref)
  }
  // References lead to the whole description, which Ajv is not given.
  const base = 'https://openapi.invalid/'
  const withoutWhole = (schema: object = {}) =>
    JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', base))
  const check = (schema: object | undefined, place: string) => {
    const alone = withoutWhole(schema)
    t.ok(ajv.validateSchema(alone), `${place}: ${ajv.errorsText()}`)
    t.doesNotThrow(() => ajv.compile(alone), place)
  }
  for (const [name, schema] of Object.entries(components.schemas)) {
    ajv.addSchema({ ...withoutWhole(schema), $id: `${base}${name}` })
  }
  for (const [place, path, operation] of listOperations(description)) {
    const { parameters = [], requestBody, responses = {}, security = [] } = operation
    const inPath = parameters.filter((one) => one.in === 'path')
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => String(match[1]))
    t.strictSame(inPath.map(({ name }) => name).toSorted(), named.toSorted(), place)
    for (const one of inPath) t.equal(one.required, true, place)
    for (const { name, schema } of parameters) check(schema, `${place} ${name}`)
    for (const { schema } of Object.values(requestBody?.content ?? {})) check(schema, place)
    for (const [status, { content = {} }] of Object.entries(responses)) {
      t.match(status, /^[2-5]\d\d$/, place)
      for (const { schema } of Object.values(content)) check(schema, `${place} ${status}`)
    }
    for (const way of security) {
      for (const name of Object.keys(way)) t.hasProp(components.securitySchemes, name, place)
    }
  }
})

t.test('every refusal is a problem, and what needs somebody says how he is known', async (t) => {
  for (const [place, path, { responses = {}, security }] of listOperations(parse(written))) {
    for (const [status, { content }] of Object.entries(responses)) {
      if (/^[23]/.test(status)) continue
      t.strictSame(
        content,
        { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        `${place} ${status}`,
      )
    }
    if (!path.startsWith('/api/v1/')) continue
    t.strictSame(security, [{ bearer: [] }, { mutualTls: [] }], place)
    for (const status of ['401', '500', '503']) t.hasProp(responses, status, place)
  }
})

t.test('what can be sent again says so, and what has an ETag does', async (t) => {
  let posts = 0
  let tagged = 0
  for (const [place, path, operation] of listOperations(parse(written))) {
    if (!path.startsWith('/api/v1/')) continue
    const { parameters = [], responses = {} } = operation
    const headers = parameters.filter((one) => one.in === 'header').map(({ name }) => name)
    if (place.startsWith('POST ')) {
      posts += 1
      t.ok(headers.includes('idempotency-key'), place)
      t.hasProp(responses, '422', place)
    }
    if (responses['412']) t.ok(headers.includes('if-match'), place)
    if (place.startsWith('GET ') && responses['200']?.headers?.ETag) {
      tagged += 1
      t.ok(headers.includes('if-none-match'), place)
      t.hasProp(responses, '304', place)
    }
  }
  t.ok(posts >= 3)
  t.ok(tagged >= 2)
})
