import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { RefusedByServer } from '../src/admin/client/errors.ts'
import { reportFailure } from '../src/cli/report-failure.ts'
import { BearerRefused } from '../src/http/who-is-asking.ts'
import {
  AccountExists,
  CollectionEmpty,
  CollectionNotFound,
  ConfigError,
  DataDirLocked,
  StoreUnavailable,
  TooManyGuesses,
} from '../src/model/errors.ts'
import { adviceOn } from '../src/model/source-advice.ts'
import * as refusals from '../src/taxii/refusal.ts'
import { errorToStatus } from '../src/taxii/status.ts'
import { XmlError, XmlLimitExceeded } from '../src/xml/read.ts'

const docs = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
const source = fileURLToPath(new URL('../src/', import.meta.url))
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join(source, path), 'utf8'))
  .join('\n')

/** The rows under a heading, each as its cells without the signs of code. */
function rowsUnder(heading: string): string[][] {
  const section = docs.split(/^## /m).find((one) => one.startsWith(heading)) ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') || line.startsWith('|---'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

const program = rowsUnder('Errors of the program')
const otx = rowsUnder('Errors of OTX')
const taxii = rowsUnder('What TAXII clients are told')
const ofSources = rowsUnder('Problems of a source')
const first = (rows: string[][]) => rows.map(([cell]) => String(cell)).toSorted()

t.test('each code of the program is explained, and no other', async (t) => {
  const thrown = [...code.matchAll(/\b(?:super|new TaxiwayError)\(\s*'([A-Z_]+)'/g)]
  const fields = [...code.matchAll(/\bcode = '([A-Z_]+)'/g)]
  const codes = new Set([...thrown, ...fields].map((match) => String(match[1])))
  t.ok(codes.has('CONFIG_INVALID'))
  t.strictSame(first(program), [...codes].toSorted())
})

t.test('each error of OTX is explained, and whether it is tried again', async (t) => {
  const refused = [
    ...code.matchAll(/\bnew UpstreamError\(\s*'(\w+)',[\s\S]{0,200}?\b(true|false)\b/g),
  ]
  const busy = [...code.matchAll(/\bnew UpstreamBusy\(\s*'(\w+)'/g)]
  const codes = new Map([
    ...refused.map((match) => [String(match[1]), match[2] === 'true' ? 'yes' : 'no'] as const),
    ...busy.map((match) => [String(match[1]), 'yes'] as const),
  ])
  t.equal(codes.size, [...code.matchAll(/\bnew Upstream(?:Error|Busy)\(/g)].length)
  t.strictSame(
    otx.map(([name, again]) => [name, again]).toSorted(),
    [...codes].map(([name, again]) => [name, again]).toSorted(),
  )
})

t.test('each problem of a source is explained, and there is advice on it', async (t) => {
  const own = [...code.matchAll(/\bcode: '([A-Z_]+)'/g)].map((match) => String(match[1]))
  t.strictSame(first(ofSources), [...new Set(own)].toSorted())
  const unknown = adviceOn('SOMETHING_ELSE').replace('SOMETHING_ELSE', '')
  for (const name of [...first(otx), ...own, 'STORE_UNAVAILABLE']) {
    t.not(adviceOn(name).replace(name, ''), unknown, name)
  }
})

t.test('no code stands in the code in a way that these tests do not see', async (t) => {
  const known = new Set([...first(program), ...first(otx)])
  const written = [...code.matchAll(/'((?:OTX|STORE|CONFIG|COLLECTION)_[A-Z_]+)'/g)]
  // Names of variables, whose errors are CONFIG_INVALID, and a service of TAXII.
  const others =
    /^(?:OTX_(?:API_KEY|URL|POLL_SECONDS|DEFAULT_TLP|CONFIDENCE|FIRST_SYNC_DAYS|AUTHORS?|AUTHOR_COLLECTIONS|FALSE_POSITIVES)|COLLECTION_MANAGEMENT)$/
  for (const [, name = ''] of written) if (!others.test(name)) t.ok(known.has(name), name)
})

t.test(
  'each status that TAXII clients can be told is explained, with its HTTP status',
  async (t) => {
    const httpErrors = [400, 401, 408, 413, 415, 429, 500].map((statusCode) =>
      Object.assign(new Error('x'), { statusCode }),
    )
    const errors = [
      ...httpErrors,
      new Error('a defect'),
      new StoreUnavailable('x'),
      new BearerRefused(),
      new TooManyGuesses(1),
      new CollectionNotFound('x'),
      new XmlError('x', 1, 1),
      new XmlLimitExceeded('x', 1, 1),
      refusals.badMessage('x'),
      refusals.denied('x'),
      refusals.destinationError('x', ['x']),
      refusals.failure('x'),
      refusals.mayNotSend('x'),
      refusals.notFound('subscription', 'x'),
      refusals.subscriptionEnded('x'),
      refusals.unreadContent('x', ['x']),
      refusals.unsupportedContent(['x']),
      refusals.unsupportedQuery('x'),
      refusals.unsupportedProtocol(),
      refusals.unsupportedMessage('x', 406),
      refusals.tooMuchUnderWay('this account has'),
      refusals.resultSetGone('x'),
      refusals.invalidPart(2, 1),
      refusals.methodNotAllowed(),
    ]
    const told = errors.map((error) => {
      const { status, httpStatus } = errorToStatus(error, '0')
      return `${status.statusType} ${httpStatus}`
    })
    t.strictSame(
      taxii.map(([status, http]) => `${status} ${http}`).toSorted(),
      [...new Set(told)].toSorted(),
    )
    // What is called above is all that there is.
    const makers = Object.keys(refusals).filter((name) => name !== 'TaxiiRefusal')
    t.equal(makers.length, errors.filter((error) => error instanceof refusals.TaxiiRefusal).length)
    const status = readFileSync(join(source, 'taxii', 'status.ts'), 'utf8')
    t.strictSame(
      [...status.matchAll(/case (\d+):/g)].map((match) => Number(match[1])),
      [400, 401, 408, 413, 415, 429],
    )
  },
)

t.test('every row says what happened and what to do', async (t) => {
  for (const rows of [program, otx, ofSources, taxii]) {
    t.not(rows.length, 0)
    for (const row of rows) for (const cell of row) t.not(cell, '', row.join(' | '))
  }
})

t.test('what failed ends with the exit code of its kind', async (t) => {
  const codes = ['0', '1', '130, 143', '2', '3', '4', '5', '6']
  t.strictSame(first(rowsUnder('Exit codes')), codes)
  const printed: unknown[][] = []
  const { error: print } = console
  t.teardown(() => {
    console.error = print
    process.exitCode = undefined
  })
  console.error = (...words: unknown[]) => printed.push(words)
  const cases = [
    [new ConfigError('one\ntwo'), 2, ['taxiway: one', 'taxiway: two']],
    [new StoreUnavailable('away'), 5, ['taxiway: away']],
    [new DataDirLocked('taken'), 5, ['taxiway: taken']],
    [new CollectionNotFound('x'), 3, ['taxiway: there is no collection "x"']],
    [new AccountExists('x'), 6, ['taxiway: there is an account "x" already']],
    [new RefusedByServer('NOT_PERMITTED', 'no', 403, []), 4, ['taxiway: no']],
    [new CollectionEmpty('x'), 1, ['taxiway: the collection "x" has no block now']],
    [new TypeError('odd'), 1, [/a defect of Taxiway/, /TypeError: odd/]],
  ] as const
  for (const [error, exitCode, said] of cases) {
    printed.length = 0
    reportFailure(error)
    t.equal(process.exitCode, exitCode)
    t.match(printed.flat(), said)
    t.equal(printed.length, said.length)
  }
})
