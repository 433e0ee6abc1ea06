import fc from 'fast-check'
import type { IndicatorView, PermittedAssertion } from '../../src/model/indicator.ts'
import type { ReportView } from '../../src/model/report-view.ts'
import { tlpLevels } from '../../src/model/tlp.ts'
import { publishableTypes } from '../../src/stix/profiles.ts'

export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 60 }),
  fc
    .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(0x20)))
    .map((units) => String.fromCharCode(...units)),
)

const background = {
  adversary: anyText,
  malwareFamilies: fc.array(anyText, { maxLength: 3 }),
  attackIds: fc.array(fc.oneof(anyText, fc.constantFrom('T1566.001', 'CAPEC-98')), {
    maxLength: 3,
  }),
}
const anyReferences = fc.array(fc.oneof(anyText, fc.webUrl()), { maxLength: 4 })

const anyAssertion: fc.Arbitrary<PermittedAssertion> = fc.record({
  source: anyText,
  author: anyText,
  reportId: anyText,
  reportName: anyText,
  reportReferences: anyReferences,
  title: anyText,
  description: fc.oneof(anyText, fc.string({ minLength: 1000, maxLength: 1100 })),
  role: fc.oneof(anyText, fc.constantFrom('command_and_control', 'Delivery', 'phishing')),
  tlp: fc.constantFrom(...tlpLevels),
  confidence: fc.integer({ min: 0, max: 100 }),
  validFrom: fc.date(),
  validUntil: fc.option(fc.date(), { nil: undefined }),
  sightings: fc.option(fc.nat(), { nil: undefined }),
  ...background,
})

function viewWith(assertions: fc.Arbitrary<PermittedAssertion[]>): fc.Arbitrary<IndicatorView> {
  return fc.record({
    type: fc.constantFrom(...publishableTypes('full')),
    // What could be a rule: a YARA indicator without one is not published.
    value: anyText.map((text) => `rule x{${text}`),
    assertions,
  })
}

export const anyView = viewWith(fc.array(anyAssertion, { minLength: 1, maxLength: 3 }))

export const anyReport: fc.Arbitrary<ReportView> = fc.record({
  source: anyText,
  externalId: anyText,
  name: anyText,
  description: anyText,
  author: anyText,
  references: anyReferences,
  tags: fc.array(anyText, { maxLength: 2 }),
  ...background,
  chunk: fc.integer({ min: 1, max: 1000 }),
  indicators: fc.array(viewWith(fc.tuple(anyAssertion)), { minLength: 1, maxLength: 5 }),
})
