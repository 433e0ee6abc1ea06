import fc from 'fast-check'
import t from 'tap'
import { formatMicros, microsFromDate, parseMicros } from '../../src/model/micros.ts'

const seed = 20_240_117
const base = Date.UTC(2024, 0, 17, 12, 30, 15) * 1000

t.test('timestamps are read to the microsecond, whatever their zone', (t) => {
  t.equal(parseMicros('2024-01-17T12:30:15Z'), base)
  t.equal(parseMicros('2024-01-17T12:30:15.000001Z'), base + 1)
  t.equal(parseMicros('2024-01-17T12:30:15.123456+00:00'), base + 123_456)
  t.equal(parseMicros('2024-01-17T12:30:15.5Z'), base + 500_000)
  t.equal(parseMicros('2024-01-17T14:30:15.1+02:00'), base + 100_000)
  t.equal(parseMicros('2024-01-17T07:00:15-05:30'), base)
  t.equal(parseMicros('2024-01-18T02:30:15+14:00'), base)
  t.equal(parseMicros('2024-01-17T12:30:15-00:00'), base)
  t.equal(parseMicros('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29) * 1000)
  t.equal(parseMicros('1970-01-01T00:00:00Z'), 0)
  t.equal(parseMicros('1969-12-31T23:59:59.999999Z'), -1)
  t.end()
})

t.test('what TAXII forbids, and moments that do not exist, are refused', (t) => {
  const wrong = [
    '2024-01-17T12:30:15',
    '2024-01-17T12:30:15.123456',
    '2024-01-17T12:30:15.1234567Z',
    '2024-01-17T12:30:15.Z',
    '2024-01-17T12:30:15,5Z',
    '2024-01-17T12:30:15z',
    '2024-01-17 12:30:15Z',
    '2024-01-17T12:30Z',
    '2024-01-17',
    '2024-01-17T12:30:15+0200',
    '2024-01-17T12:30:15+2:00',
    '2024-01-17T12:30:15+24:00',
    '2024-01-17T12:30:15+02:60',
    '2024-01-17T24:00:00Z',
    '2024-01-17T12:60:00Z',
    '2024-01-17T23:59:60Z',
    '2023-02-29T00:00:00Z',
    '2024-02-30T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-10T00:00:00Z',
    '2024-01-00T00:00:00Z',
    '12024-01-17T12:30:15Z',
    '+012024-01-17T12:30:15Z',
    '-2024-01-17T12:30:15Z',
    '24-01-17T12:30:15Z',
    ' 2024-01-17T12:30:15Z',
    '2024-01-17T12:30:15Z\n',
    '2024-01-17T12:30:15Z0',
    '１２34-01-17T12:30:15Z',
    '1705494615',
    '',
  ]
  for (const text of wrong) t.equal(parseMicros(text), undefined, JSON.stringify(text))
  t.end()
})

t.test('moments beyond 2^53 microseconds are read as the first or last that is held', (t) => {
  const first = '1684-07-28T00:12:25.259009Z'
  const last = '2255-06-05T23:47:34.740991Z'
  t.equal(formatMicros(Number.MIN_SAFE_INTEGER), first)
  t.equal(formatMicros(Number.MAX_SAFE_INTEGER), last)
  t.equal(parseMicros(last), Number.MAX_SAFE_INTEGER)
  t.equal(parseMicros('0001-01-01T00:00:00Z'), Number.MIN_SAFE_INTEGER)
  t.equal(parseMicros('2256-01-01T00:00:00Z'), Number.MAX_SAFE_INTEGER)
  t.equal(parseMicros('9999-12-31T23:59:59.999999Z'), Number.MAX_SAFE_INTEGER)
  t.equal(parseMicros('9999-12-31T23:59:59.999999-23:59'), Number.MAX_SAFE_INTEGER)
  t.equal(microsFromDate(new Date(8.64e15)), Number.MAX_SAFE_INTEGER)
  t.equal(microsFromDate(new Date(-8.64e15)), Number.MIN_SAFE_INTEGER)
  t.equal(formatMicros(Date.UTC(12_000, 0) * 1000), last, 'no five-digit year goes out')
  t.end()
})

t.test('writing has always six digits and Z', (t) => {
  t.equal(formatMicros(0), '1970-01-01T00:00:00.000000Z')
  t.equal(formatMicros(-1), '1969-12-31T23:59:59.999999Z')
  t.equal(formatMicros(base + 42), '2024-01-17T12:30:15.000042Z')
  t.equal(formatMicros(microsFromDate(new Date(base / 1000 + 7))), '2024-01-17T12:30:15.007000Z')
  t.end()
})

t.test('every moment that is held survives writing and reading', (t) => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (moment) => parseMicros(formatMicros(moment)) === moment),
    { seed, numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (a, b) => {
      // The written form sorts as the moments do.
      return a < b === formatMicros(a) < formatMicros(b)
    }),
    { seed, numRuns: 2000 },
  )
  t.end()
})

t.test('reading never throws', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseMicros(text)
    }),
    { seed },
  )
  t.end()
})
