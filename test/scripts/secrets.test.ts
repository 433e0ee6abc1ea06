import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  type EvidenceKind,
  evidenceKinds,
  type NotedSecret,
  writeEvidence,
  writeSecret,
} from '../../scripts/secrets/evidence.ts'
import { judgeSearch, searchEvidence } from '../../scripts/secrets/search.ts'

// None of these goes through test/helpers/secrets.ts: they are planted to be found here, not by the run itself.
const random: NotedSecret = {
  what: 'password of esa1',
  value: `s${'0a1b2c3d4e5f'.repeat(2)}:ß→é𝛑${'f9e8d7c6b5a4'.repeat(2)}`,
  random: true,
}
const made: NotedSecret = { what: 'secret key', value: 'qZ8/w+1==n"&<Ärg0t', random: false }

function plant(t: Test, secrets: readonly NotedSecret[]) {
  const folder = mkdtempSync(join(tmpdir(), 'taxiway-planted-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const secret of secrets) writeSecret(folder, secret)
  return {
    folder,
    keep: (kind: EvidenceKind, text: string) =>
      writeEvidence(folder, { kind, test: 'test/a.test.ts', where: 'here' }, Buffer.from(text)),
  }
}

const noise = 'GET /taxii/poll 200 {"level":30,"msg":"the poll of esa1 was answered"} '.repeat(50)

t.test('a secret is found in evidence of each kind, and told with where it stands', async (t) => {
  for (const kind of evidenceKinds) {
    const { folder, keep } = plant(t, [random, made])
    keep(kind, noise)
    keep(kind, `${noise} the password ${random.value} was refused ${noise}`)
    const searched = searchEvidence(folder)
    t.strictSame(
      searched.findings.map(({ around: _, ...finding }) => finding),
      [
        {
          kind,
          test: 'test/a.test.ts',
          where: 'here',
          what: 'password of esa1',
          form: 'as it is',
        },
      ],
      kind,
    )
    const { lines, ok } = judgeSearch(searched, false)
    t.notOk(ok)
    t.match(lines[0], `a secret (password of esa1, as it is) stands in a ${kind} of test/a.test.ts`)
    t.match(lines[0], 'the password [secret]')
    for (const piece of random.value.match(/[a-z0-9]{12,}/g) ?? [])
      t.notMatch(lines.join(), piece.slice(0, 12))
  }
})

const basic = (name: string, value: string) => Buffer.from(`${name}:${value}`).toString('base64')
const forms: readonly (readonly [string, (value: string) => string])[] = [
  ['as it is', (value) => value],
  ['at the end of a name of one letter, for HTTP Basic', (value) => basic('a', value)],
  ['of two letters', (value) => basic('ab', value)],
  ['of three', (value) => basic('abc', value)],
  ['in base64url', (value) => Buffer.from(`{"p":"${value}"}`).toString('base64url')],
  ['in hexadecimal', (value) => `\\x00ff${Buffer.from(value).toString('hex')}`],
  ['in capital hexadecimal', (value) => Buffer.from(value).toString('hex').toUpperCase()],
  ['percent-encoded', (value) => `postgres://taxiway:${encodeURIComponent(value)}@db/taxiway`],
  ['in a form', (value) => String(new URLSearchParams({ password: value }))],
  ['in JSON', (value) => JSON.stringify({ password: value })],
  [
    'in JSON of ASCII alone',
    (value) =>
      JSON.stringify(value).replace(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
  ],
  [
    'in XML',
    (value) =>
      value.replace(/[&<>"]/g, (c) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[c]};`),
  ],
]

t.test('a secret is found in whatever form it stands', async (t) => {
  for (const secret of [random, made]) {
    for (const [name, form] of forms) {
      const { folder, keep } = plant(t, [secret])
      keep('log', `${noise}${form(secret.value)}${noise}`)
      t.equal(searchEvidence(folder).findings.length, 1, `${secret.what} ${name}`)
    }
  }
})

t.test('of a random secret a part is enough', async (t) => {
  const { folder, keep } = plant(t, [random])
  keep('log', `${noise}${random.value.slice(0, 17)}`)
  t.equal(searchEvidence(folder).findings.length, 1)
})

t.test(
  'evidence at the very begin and end is searched, and text without a secret passes',
  async (t) => {
    const { folder, keep } = plant(t, [random, made])
    keep('answer', noise)
    keep('answer', 'short')
    t.strictSame(searchEvidence(folder).findings, [])
    t.ok(judgeSearch(searchEvidence(folder), false).ok)
    keep('answer', made.value)
    keep('log', `${made.value}.`)
    keep('output', `.${made.value}`)
    t.equal(searchEvidence(folder).findings.length, 3)
  },
)

t.test(
  'a run of all tests that has kept nothing of a kind, or no secret, has not been searched',
  async (t) => {
    const { folder, keep } = plant(t, [])
    for (const kind of evidenceKinds.slice(1)) keep(kind, noise)
    const { lines, ok } = judgeSearch(searchEvidence(folder), true)
    t.notOk(ok)
    t.match(lines[0], 'nothing of the kind "log" was kept')
    t.match(lines[1], 'no test has noted a secret')
    t.ok(judgeSearch(searchEvidence(folder), false).ok)
  },
)

t.test(
  'a piece that its process did not finish is left out, what comes before it is not',
  async (t) => {
    const { folder, keep } = plant(t, [random])
    keep('log', random.value)
    appendFileSync(
      join(folder, `${process.pid}.evidence`),
      '{"kind":"log","test":"t","where":"w","bytes":100}\nhalf',
    )
    t.equal(searchEvidence(folder).findings.length, 1)
  },
)
