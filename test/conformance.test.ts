import { readFileSync } from 'node:fs'
import t from 'tap'
import { findAttribute, readXml } from '../src/xml/read.ts'
import { findFault, readConformanceRows } from './conformance-rows.ts'
import { validateTaxii } from './helpers/python.ts'
import { httpChecks } from './taxii/conformance/http.ts'
import { inboxChecks } from './taxii/conformance/inbox.ts'
import { messageChecks } from './taxii/conformance/messages.ts'
import { pollChecks } from './taxii/conformance/polling.ts'
import { statusDetails } from './taxii/conformance/status-details.ts'
import { subscriptionChecks } from './taxii/conformance/subscriptions.ts'
import { startWorld } from './taxii/conformance/world.ts'

const checks = [
  ...httpChecks,
  ...messageChecks,
  ...pollChecks,
  ...subscriptionChecks,
  ...inboxChecks,
]
const everyStatus = 'every status has the details of its type'
const world = await startWorld(t)
const ran = new Set<string>()

for (const { name, run } of checks) {
  t.test(name, async (t) => {
    await run(t, world)
    if (t.passing()) ran.add(name)
  })
}

t.test(everyStatus, async (t) => {
  const types = new Set<string>()
  for (const text of world.answers) {
    const root = readXml(Buffer.from(text))
    const type = findAttribute(root, 'status_type')
    if (type === undefined) continue
    types.add(type)
    t.strictSame(statusDetails(root), [], type)
  }
  t.notOk(types.has('PENDING') || types.has('RETRY'), 'nothing is put off')
  t.ok(types.size >= 10, `it has seen ${[...types].join(', ')}`)
  if (t.passing()) ran.add(everyStatus)
})

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(world.answers)).flat(), [])
})

t.test('each behaviour has its row, and each row a test that runs', async (t) => {
  const text = readFileSync(new URL('../docs/conformance.md', import.meta.url), 'utf8')
  const rows = readConformanceRows(text)
  const ids = rows.map(({ id }) => id)
  const countOf = (letter: string) => ids.filter((id) => id.startsWith(letter)).length
  const numbered = (count: number, letter = '') =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
  t.strictSame(ids, [
    ...numbered(38),
    ...numbered(21, 'D'),
    ...numbered(countOf('M'), 'M'),
    ...numbered(countOf('T'), 'T'),
    ...numbered(countOf('R'), 'R'),
  ])

  const faults = rows.flatMap(({ id, behaviour, specification, tests }) => {
    const missing = behaviour === '' || specification === '' ? ['it lacks a column'] : []
    const found = tests.flatMap((one) => {
      if (one.file !== undefined) return findFault(one) ?? []
      return ran.has(one.name) ? [] : [`no test '${one.name}' has passed`]
    })
    return [...missing, ...found].map((fault) => `${id}: ${fault}`)
  })
  t.strictSame(faults, [])
  const named = new Set(rows.flatMap(({ tests }) => tests.map(({ name }) => name)))
  t.strictSame(
    [...ran].filter((name) => !named.has(name)),
    [],
    'each check is in a row',
  )
})

t.test('a row without a test is found', async (t) => {
  const row = (tests: string) => `| 1 | It does. | HTTP: Nothing | ${tests} |`
  t.throws(() => readConformanceRows(row('')), /a test is/)
  t.throws(() => readConformanceRows('| 1 | It does. | Nothing |'), /four columns/)
  const file = 'test/conformance.test.ts'
  t.match(findFault({ file: 'test/no-such.test.ts', name: 'a' }), 'there is no')
  t.match(findFault({ file, name: 'there is no such test' }), 'has no test')
  t.equal(findFault({ file, name: 'a row without a test is found' }), undefined)
})
