import {
  type CidrForm,
  type ContentBinding,
  contentBindings,
  type Packaging,
  type Profile,
  profiles,
} from '../../src/model/collection.ts'
import type { IndicatorView, PermittedAssertion } from '../../src/model/indicator.ts'
import { tlpLevels } from '../../src/model/tlp.ts'
import { type RenderOptions, renderPackage } from '../../src/stix/package.ts'
import { type PublishableType, publishableTypes } from '../../src/stix/profiles.ts'
import { renderReport } from '../../src/stix/report-package.ts'
import { nastyReferences, nastyTexts, producer, reportOf, viewOf } from './views.ts'

/** A package of the matrix, and what it was rendered from. */
export interface Cell {
  readonly binding: ContentBinding
  readonly profile: Profile
  readonly packaging: Packaging
  readonly cidr: CidrForm
  readonly views: readonly IndicatorView[]
  readonly xml: string
}

type Variant = readonly Partial<PermittedAssertion>[]

const background = {
  adversary: 'APT & Co',
  malwareFamilies: ['Emotet', 'Trojan:Win32/X', 'emotet'],
  attackIds: ['T1566.001', 'CAPEC-98', 'Phishing'],
}
const plain: Variant = [{}]
const rich: Variant = [{ ...background, sightings: 3, role: 'command_and_control', tlp: 'amber' }]

function everywhere(text: string): Variant {
  const claim = { title: text, description: text, role: text, author: text, source: text }
  const report = { reportName: text, adversary: text, malwareFamilies: [text], attackIds: [text] }
  return [{ ...claim, ...report }]
}

/** Between them they hold every text, level, date and count that can make a difference. */
const variants: readonly Variant[] = [
  plain,
  rich,
  ...nastyTexts.map(everywhere),
  [{ reportReferences: nastyReferences }],
  [{ reportReferences: [] }],
  ...tlpLevels.map((tlp): Variant => [{ ...background, tlp }]),
  ...[0, 1, 30, 70].map((confidence): Variant => [{ confidence, sightings: confidence }]),
  [{ validUntil: undefined }],
  [{ validFrom: new Date('+010000-01-01'), validUntil: new Date('+275760-09-13') }],
  [{ validFrom: new Date('0001-01-01'), validUntil: new Date(Number.NaN) }],
  [{ adversary: 'Without any TTP' }],
  [{ malwareFamilies: Array.from({ length: 30 }, (_, n) => `Family ${n}`) }],
  ...['delivery', 'C2', 'Actions on Objectives', 'phishing'].map((role): Variant => [{ role }]),
]
const several: Variant = [
  { source: 'a', ...background, sightings: 2 ** 31 },
  { source: 'b', description: 'more', adversary: 'Another', role: 'reconnaissance' },
  { source: 'c', tlp: 'amber+strict', role: 'c2', attackIds: ['T1566.001'] },
]

// These write texts in their own way; all others do it as the first type does.
const peculiar: readonly PublishableType[] = ['imphash', 'yara', 'cve']

const timestamp = 1_760_000_000_123_456

function* cellsOf(binding: ContentBinding, profile: Profile): Generator<Cell> {
  const cidr: CidrForm = profile === 'full' ? 'cidr' : 'omit'
  const options: RenderOptions = { binding, profile, cidr, producer }
  const types = publishableTypes(profile)
  // What tid publishes differs from esa's by types and by the packages' ids alone.
  const all = profile === 'tid' ? variants.slice(0, 4) : variants
  const telling = types.filter((type, index) => index === 0 || peculiar.includes(type))
  for (const type of types) {
    for (const variant of telling.includes(type) ? [...all, several] : [plain, rich, several])
      yield single(viewOf(type, ...variant), options)
  }
  for (const variant of all) {
    const held = variant === plain || variant === rich ? types : telling
    yield report(
      held.map((type) => viewOf(type, ...variant)),
      options,
      variant,
    )
  }
  if (profile === 'tid') return
  const hundred = Array.from({ length: 100 }, (_, n) => ({
    ...viewOf(types[n % types.length] as PublishableType, { ...rich[0], reportName: `${n}` }),
    value: valueNumber(types[n % types.length] as PublishableType, n),
  }))
  yield report(hundred, options, rich)
}

function valueNumber(type: PublishableType, n: number): string {
  const value = viewOf(type).value
  return type === 'ipv4' || type === 'cidr'
    ? value.replace('198.51.100', `198.51.${n}`)
    : `${value}${n}`
}

function single(view: IndicatorView, options: RenderOptions): Cell {
  const xml = renderPackage(view, { ...options, timestamp })
  return { ...options, packaging: 'indicator', views: [view], xml }
}

function report(views: readonly IndicatorView[], options: RenderOptions, variant: Variant): Cell {
  const { reportName, description, reportReferences, ...named } = variant[0] ?? {}
  const { head, tail } = renderReport(
    reportOf(views, {
      ...named,
      ...(reportName !== undefined && { name: reportName }),
      ...(description !== undefined && { description }),
      ...(reportReferences && { references: reportReferences }),
    }),
    options,
  ).withTimestamp(timestamp)
  return { ...options, packaging: 'report', views, xml: head + tail }
}

function* cellsOfBlocks(binding: ContentBinding): Generator<Cell> {
  for (const value of ['198.51.100.0/24', '2001:db8::/32']) {
    const view = { ...viewOf('cidr'), value }
    const options: RenderOptions = { binding, profile: 'full', cidr: 'address', producer }
    yield single(view, options)
    yield report([view], options, plain)
  }
}

/** Binding × profile × packaging × type × what views can hold, without what would prove nothing new. */
export const matrix: readonly Cell[] = contentBindings.flatMap((binding) => [
  ...profiles.flatMap((profile) => [...cellsOf(binding, profile)]),
  ...cellsOfBlocks(binding),
])
