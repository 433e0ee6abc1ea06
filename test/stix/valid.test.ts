import { fileURLToPath } from 'node:url'
import t from 'tap'
import { contentBindings, profiles } from '../../src/model/collection.ts'
import type { PermittedAssertion } from '../../src/model/indicator.ts'
import { tlpLevels } from '../../src/model/tlp.ts'
import { renderPackage } from '../../src/stix/package.ts'
import { publishableTypes } from '../../src/stix/profiles.ts'
import { runPython, type StixVersion, validateStix } from '../helpers/python.ts'
import { nastyReferences, nastyTexts, producer, viewOf } from './views.ts'

const versionOf = (binding: string): StixVersion =>
  binding.endsWith(':1.2') ? ('1.2' as const) : ('1.1.1' as const)

/** Views of a type that between them hold every text, level, date and count that can make a difference. */
const variants: readonly (readonly Partial<PermittedAssertion>[])[] = [
  [{}],
  ...nastyTexts.map((text) => [
    { title: text, description: text, role: text, author: text, source: text, reportName: text },
  ]),
  [{ reportReferences: nastyReferences }],
  [{ reportReferences: [] }],
  ...tlpLevels.map((tlp) => [{ tlp }]),
  ...[0, 1, 30, 70, 100].map((confidence) => [{ confidence }]),
  [{ validUntil: undefined }],
  [{ validFrom: new Date('+010000-01-01'), validUntil: new Date('+275760-09-13') }],
  [{ validFrom: new Date('0001-01-01'), validUntil: new Date(Number.NaN) }],
  [{ source: 'a' }, { source: 'b', description: 'more' }, { source: 'c', tlp: 'amber+strict' }],
]

for (const binding of contentBindings) {
  for (const profile of profiles) {
    t.test(`every package of ${profile} in ${binding} is valid STIX`, async (t) => {
      const options = {
        binding,
        profile,
        cidr: 'omit' as const,
        producer,
        timestamp: 1_760_000_000_123_456,
      }
      const packages = publishableTypes(profile).flatMap((type) =>
        variants.map((assertions) => renderPackage(viewOf(type, ...assertions), options)),
      )
      const errors = await validateStix(packages, versionOf(binding))
      t.equal(errors.length, packages.length)
      t.same(
        errors.flatMap((found, index) => found.map((error) => [error, packages[index]])),
        [],
      )
    })
  }

  t.test(`${binding} departs from best practice only where docs/stix.md says so`, async (t) => {
    const options = {
      binding,
      profile: 'full',
      cidr: 'omit',
      producer,
      timestamp: 1_760_000_000_123_456,
    } as const
    const packages = publishableTypes('full').flatMap((type) =>
      variants
        // Without any date that STIX can hold there is no Valid_Time_Position to write.
        .filter((assertions) => !Number.isNaN(assertions[0]?.validUntil?.getTime() ?? 0))
        .filter((assertions) => (assertions[0]?.validFrom?.getUTCFullYear() ?? 0) < 10_000)
        .map((assertions) => renderPackage(viewOf(type, ...assertions), options)),
    )
    const script = fileURLToPath(new URL('best_practices.py', import.meta.url))
    const { stdout, stderr, code } = await runPython([script], JSON.stringify(packages))
    t.equal(code, 0, stderr)
    const expected = ['Indicator Suggestions: Indicated_TTP']
    if (versionOf(binding) === '1.2')
      expected.push('STIX 1.2 Deprecations: @timestamp is deprecated in STIX Package.')
    const warnings: string[][] = JSON.parse(stdout)
    t.equal(warnings.length, packages.length)
    t.same([...new Set(warnings.flat())].sort(), expected)
  })
}
