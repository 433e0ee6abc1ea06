import fc from 'fast-check'
import t from 'tap'
import { ValidationFailed } from '../../src/admin/errors.ts'
import { parseJson } from '../../src/admin/json.ts'

const read = (text: string) => parseJson(Buffer.from(text))

function faultOf(text: string) {
  try {
    read(text)
  } catch (error) {
    if (error instanceof ValidationFailed) return error.faults[0]
    throw error
  }
  return undefined
}

t.test('whatever JSON means once, it means here, however it is written', (t) => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }),
      fc.constantFrom(0, 1, 3),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        // The name is refused wherever it stands.
        fc.pre(!text.includes('__proto__'))
        const ascii = text.replace(
          /[\u0080-\uffff]/g,
          (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
        )
        t.strictSame(read(ascii), JSON.parse(text))
      },
    ),
    { numRuns: 300 },
  )
  t.end()
})

t.test('a name that is given twice is found at any depth, and its place told', (t) => {
  const name = fc.string({ unit: 'binary', minLength: 0, maxLength: 5 })
  const isSound = (text: string) => text.isWellFormed() && text !== '__proto__'
  fc.assert(
    fc.property(
      fc.array(fc.oneof(name.filter(isSound), fc.nat(3)), { maxLength: 8 }),
      name.filter(isSound),
      (path, twice) => {
        const inner = `{${JSON.stringify(twice)}: [{}, "},{"], "-": 0, ${JSON.stringify(twice)}: 1}`
        fc.pre(twice !== '-')
        const text = path.reduceRight<string>(
          (inside, step) =>
            typeof step === 'number'
              ? `[${'"]", '.repeat(step)}${inside}]`
              : `{${JSON.stringify(step)}: ${inside}}`,
          inner,
        )
        const place = [...path, twice]
          .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
          .join('')
        t.strictSame(faultOf(text), { place, message: 'is given twice' })
      },
    ),
    { numRuns: 300 },
  )
  t.end()
})

t.test('depth has an end, in lists and in objects', async (t) => {
  t.equal(faultOf('['.repeat(64) + ']'.repeat(64)), undefined)
  t.match(faultOf('['.repeat(65) + ']'.repeat(65)), { place: '', message: /deeper than 64/ })
  t.match(faultOf(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`), { message: /deeper than 64/ })
})

t.test('a large body is read in a time that grows with it, not faster', async (t) => {
  const texts = [
    `"${'\\\\'.repeat(500_000)}"`,
    `{${Array.from({ length: 100_000 }, (_, n) => `"${n}":0`).join()}}`,
    `[${'{},'.repeat(300_000)}0]`,
    `{"${'n'.repeat(400_000)}":{${Array.from({ length: 50_000 }, (_, n) => `"${n}":0`).join()}}}`,
  ]
  for (const text of texts) {
    const began = process.cpuUsage()
    read(text)
    t.ok(process.cpuUsage(began).user < 5_000_000)
  }
})
