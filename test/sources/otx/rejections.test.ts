import t from 'tap'
import { UpstreamError } from '../../../src/model/errors.ts'
import { parseJson, readJson } from '../../../src/sources/otx/json.ts'
import { readPage } from '../../../src/sources/otx/page.ts'
import { isRejection, pulseToReport } from '../../../src/sources/otx/pulse.ts'
import { anIndicator, aPulse, options, pulseId } from './pulses.ts'

function rejectionsOf(indicators: readonly unknown[]) {
  const result = pulseToReport(aPulse({ indicators: [...indicators, anIndicator()] }), options)
  if (isRejection(result)) throw new Error(result.detail)
  if (result.assertions.length !== 1) throw new Error('the rest of the pulse did not go on')
  return result.rejections
}

const place = `pulse ${pulseId}, indicator 4000000001`

t.test('an indicator with a date that cannot be is skipped and recorded', async (t) => {
  const faults: [field: string, text: string, reason: string][] = [
    ['created', '2026-02-30T00:00:00', 'date-unreadable'],
    ['created', '2026-13-01T00:00:00', 'date-unreadable'],
    ['created', '2026-01-01T24:00:00', 'date-unreadable'],
    ['created', '2026-01-01T10:60:00', 'date-unreadable'],
    ['created', '2026-01-01T00:00:00+25:00', 'date-unreadable'],
    ['created', '2026-01-01', 'date-unreadable'],
    ['created', 'yesterday', 'date-unreadable'],
    ['created', '1989-12-31T23:59:59', 'date-out-of-range'],
    ['created', '9999-12-31T23:59:59', 'date-out-of-range'],
    ['created', '2027-01-01T00:00:00', 'date-in-future'],
    ['expiration', '9999-12-31T23:59:59', 'date-out-of-range'],
    ['expiration', 'never', 'date-unreadable'],
  ]
  for (const [field, text, reason] of faults) {
    const detail = `${field} is ${JSON.stringify(text)}`
    t.strictSame(rejectionsOf([anIndicator({ [field]: text })]), [{ place, reason, detail }])
  }
})

t.test('an indicator without a value or a type is skipped and recorded', async (t) => {
  const { indicator: _, ...withoutValue } = anIndicator()
  const { type: __, ...withoutType } = anIndicator()
  t.strictSame(rejectionsOf([withoutValue, withoutType]), [
    {
      place,
      reason: 'missing-field',
      detail: "the record must have required property 'indicator'",
    },
    { place, reason: 'missing-field', detail: "the record must have required property 'type'" },
  ])
  t.strictSame(
    rejectionsOf([anIndicator({ indicator: ' \u0000 ' }), anIndicator({ type: '\t' })]),
    [
      { place, reason: 'missing-field', detail: 'indicator is empty' },
      { place, reason: 'missing-field', detail: 'type is empty' },
    ],
  )
})

t.test('an indicator of the wrong shape is named by its position', async (t) => {
  t.strictSame(rejectionsOf([null, 'text', anIndicator({ id: undefined, indicator: 5 })]), [
    {
      place: `pulse ${pulseId}, indicators[0]`,
      reason: 'wrong-shape',
      detail: 'the record must be object',
    },
    {
      place: `pulse ${pulseId}, indicators[1]`,
      reason: 'wrong-shape',
      detail: 'the record must be object',
    },
    {
      place: `pulse ${pulseId}, indicators[2]`,
      reason: 'wrong-shape',
      detail: 'indicator must be string',
    },
  ])
})

t.test('a record with a key that could pollute a prototype is skipped and recorded', async (t) => {
  const evil = parseJson(
    '{"indicator":"a.taxiway-demo.com","type":"domain","id":7,"__proto__":{"polluted":1}}',
  )
  const evilToo = { ...anIndicator({ id: 8 }), constructor: { prototype: { polluted: 1 } } }
  t.strictSame(rejectionsOf([evil, evilToo]), [
    {
      place: `pulse ${pulseId}, indicator 7`,
      reason: 'forbidden-key',
      detail: 'has the key __proto__',
    },
    {
      place: `pulse ${pulseId}, indicator 8`,
      reason: 'forbidden-key',
      detail: 'has the key constructor',
    },
  ])
  const text = JSON.stringify(aPulse()).replace('{', '{"__proto__":{"polluted":1},')
  t.strictSame(pulseToReport(parseJson(text), options), {
    place: `pulse ${pulseId}`,
    reason: 'forbidden-key',
    detail: 'has the key __proto__',
  })
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
})

t.test('a pulse that cannot be read is a rejection', async (t) => {
  const rejectionOf = (change: object) => pulseToReport(aPulse(change), options)
  const at = `pulse ${pulseId}`
  t.strictSame(rejectionOf({ tlp: 'mauve' }), {
    place: at,
    reason: 'unknown-tlp',
    detail: 'tlp is "mauve"',
  })
  t.strictSame(rejectionOf({ modified: '9999-01-01T00:00:00' }), {
    place: at,
    reason: 'date-out-of-range',
    detail: 'modified is "9999-01-01T00:00:00"',
  })
  t.strictSame(rejectionOf({ modified: '2026-06-03T00:00:00' }), {
    place: at,
    reason: 'date-in-future',
    detail: 'modified is "2026-06-03T00:00:00"',
  })
  t.strictSame(rejectionOf({ created: 'x'.repeat(500) }), {
    place: at,
    reason: 'date-unreadable',
    detail: `created is "${'x'.repeat(60)}"`,
  })
  t.strictSame(rejectionOf({ modified: undefined }), {
    place: at,
    reason: 'missing-field',
    detail: "the record must have required property 'modified'",
  })
  t.strictSame(rejectionOf({ indicators: {} }), {
    place: at,
    reason: 'wrong-shape',
    detail: 'indicators must be array,null',
  })
})

t.test('a pulse that cannot say who it is is named by where it was met', async (t) => {
  const where = { ...options, place: 'page 2, results[3]' }
  t.strictSame(pulseToReport([], where), {
    place: 'page 2, results[3]',
    reason: 'wrong-shape',
    detail: 'the record must be object',
  })
  t.strictSame(pulseToReport(aPulse({ id: ' ' }), where), {
    place: 'page 2, results[3]',
    reason: 'missing-field',
    detail: 'id is empty',
  })
  t.equal(isRejection(pulseToReport(null, options)), true)
})

const pageOf = (body: string) => readPage(readJson(Buffer.from(body)))

t.test('a page is read whatever its records are', async (t) => {
  const body = JSON.stringify({ results: [1, null, {}], count: 3, next: '', previous: null })
  t.strictSame(pageOf(body), { results: [1, null, {}], count: 3, next: undefined })
  t.strictSame(pageOf('{"results":[],"next":"https://a/b"}'), {
    results: [],
    count: undefined,
    next: 'https://a/b',
  })
})

t.test('what is no page is an error that a second try may mend', async (t) => {
  const bodies: [body: string, code: string, message: string][] = [
    ['<html>504</html>', 'OTX_NOT_JSON', 'OTX answered HTML instead of JSON'],
    ['{"results":[{"id":', 'OTX_NOT_JSON', 'OTX answered truncated JSON instead of JSON'],
    ['', 'OTX_NOT_JSON', 'OTX answered nothing instead of JSON'],
    [
      `{"a":${'['.repeat(64)}1`,
      'OTX_NOT_JSON',
      'OTX answered brackets nested too deeply instead of JSON',
    ],
    ['[]', 'OTX_NOT_A_PAGE', 'OTX answered JSON that is no page of a list'],
    ['{"detail":"busy"}', 'OTX_NOT_A_PAGE', 'OTX answered JSON that is no page of a list'],
    ['{"results":{}}', 'OTX_NOT_A_PAGE', 'OTX answered JSON that is no page of a list'],
  ]
  for (const [body, code, message] of bodies) {
    try {
      pageOf(body)
      t.fail(`read ${body.slice(0, 20)}`)
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      t.equal(error.code, code)
      t.equal(error.retryable, true)
      if (message) t.equal(error.message, message)
    }
  }
})
