import fc from 'fast-check'
import type { IndicatorView, PermittedAssertion } from '../../src/model/indicator.ts'
import { normalForm } from '../../src/model/normal-form.ts'
import { tlpLevels } from '../../src/model/tlp.ts'
import type { PublishableType } from '../../src/stix/profiles.ts'
import { nastyReferences, nastyTexts, plainAssertion, sampleValues } from './views.ts'

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(...nastyTexts),
  fc.constantFrom('##comma##', 'a##comma##b##0##', ' a ', '<', ']]>', '\r\n\t', 'hxxp://a[.]b'),
)

const network = fc
  .tuple(fc.ipV4(), fc.integer({ min: 1, max: 31 }))
  .map(([address, prefix]) => `${address}/${prefix}`)
const network6 = fc
  .tuple(fc.ipV6(), fc.integer({ min: 1, max: 127 }))
  .map(([address, prefix]) => `${address}/${prefix}`)
const url = fc
  .tuple(
    fc.constantFrom('http', 'https', 'ftp'),
    fc.oneof(fc.domain(), fc.ipV4(), fc.constant('[2001:db8::1]')),
    fc.oneof(anyText, fc.webPath()),
  )
  .map(([scheme, host, path]) => `${scheme}://${host}/${path}`)

const anyValue: Readonly<Record<PublishableType, fc.Arbitrary<string>>> = {
  ipv4: fc.ipV4(),
  ipv6: fc.ipV6(),
  cidr: fc.oneof(network, network6),
  domain: fc.domain(),
  url,
  email: fc.emailAddress(),
  md5: hex(32),
  sha1: hex(40),
  sha256: hex(64),
  pehash: hex(40),
  imphash: hex(32),
  'file-path': anyText,
  mutex: anyText,
  cve: fc.integer({ min: 1000, max: 9_999_999 }).map((n) => `CVE-2026-${n}`),
  yara: anyText.map((text) => `rule x {${text}}`),
}

interface Value {
  readonly type: PublishableType
  readonly value: string
}

function toNormalValue(type: PublishableType, text: string): Value | undefined {
  const form = normalForm(type, text)
  if (!form.ok || !(form.type in anyValue)) return undefined
  return { type: form.type as PublishableType, value: form.value }
}

/** A value of the type in normal form, or of the type that it turns out to be of. */
function normalValueOf(type: PublishableType): fc.Arbitrary<Value> {
  // Not every sample is in normal form: some are there for what XML must carry.
  const sample = toNormalValue(type, sampleValues[type]) ?? { type: 'domain', value: 'a.example' }
  const texts = fc.oneof({ arbitrary: anyValue[type], weight: 4 }, fc.constant(sample.value))
  return texts.map((text) => toNormalValue(type, text) ?? sample)
}

const anyAssertion: fc.Arbitrary<PermittedAssertion> = fc
  .record({
    author: anyText,
    reportName: anyText,
    title: anyText,
    description: anyText,
    role: fc.oneof(anyText, fc.constantFrom('command_and_control', 'delivery', '')),
    reportReferences: fc.subarray([...nastyReferences]),
    tlp: fc.constantFrom(...tlpLevels),
    confidence: fc.integer({ min: 0, max: 100 }),
    validFrom: fc.date({ noInvalidDate: true }),
    validUntil: fc.option(fc.date({ noInvalidDate: true }), { nil: undefined }),
    sightings: fc.option(fc.nat(), { nil: undefined }),
    adversary: fc.oneof(anyText, fc.constant('')),
    malwareFamilies: fc.array(anyText, { maxLength: 3 }),
    attackIds: fc.array(fc.oneof(anyText, fc.constant('T1566.001'), fc.constant('CAPEC-98')), {
      maxLength: 3,
    }),
  })
  .map((some) => ({ ...plainAssertion, ...some }))

export function anyView(
  types: readonly PublishableType[],
  maxAssertions = 3,
): fc.Arbitrary<IndicatorView> {
  return fc
    .tuple(
      fc.constantFrom(...types).chain(normalValueOf),
      fc.array(anyAssertion, { minLength: 1, maxLength: maxAssertions }),
    )
    .map(([value, assertions]) => ({ ...value, assertions }))
}
