import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { renderOpenapi } from '../scripts/openapi.ts'

interface Description {
  openapi: string
  paths: Record<string, Record<string, { operationId?: string; responses?: object }>>
}

const written = readFileSync(new URL('../openapi.yaml', import.meta.url), 'utf8')

t.test('openapi.yaml says what the routes say; else: npm run openapi', async (t) => {
  t.equal(written, await renderOpenapi())
})

t.test('it describes every REST route and none of TAXII’s', async (t) => {
  const { openapi, paths } = parse(written) as Description
  t.match(openapi, /^3\.1\./)
  for (const path of ['/livez', '/readyz', '/metrics']) t.hasProp(paths, path)
  t.strictSame(
    Object.keys(paths).filter((path) => /taxi|services/.test(path)),
    [],
  )
})

t.test('every operation has an id of its own and says what it answers', async (t) => {
  const { paths } = parse(written) as Description
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
  t.not(operations.length, 0)
  const ids = operations.map((operation) => operation.operationId)
  t.equal(new Set(ids).size, ids.length)
  for (const { operationId, responses } of operations) {
    t.type(operationId, 'string')
    t.not(Object.keys(responses ?? {}).length, 0)
  }
})
