import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { readJson } from '../../src/sources/otx/json.ts'
import { readPage } from '../../src/sources/otx/page.ts'
import { isRejection, type PulseReport, pulseToReport } from '../../src/sources/otx/pulse.ts'
import { loadSeedPulses } from '../../src/standins/seeds.ts'

const now = new Date('2031-03-04T05:06:07Z')
const { pulses, revision, deletedPulse } = loadSeedPulses(now)
const body = Buffer.from(JSON.stringify({ results: pulses }))
const results = readPage(readJson(body)).results.map((json) =>
  pulseToReport(json, { defaultTlp: 'amber', confidence: 25, now }),
)
const reports = results.filter((result): result is PulseReport => !isRejection(result))
const assertions = reports.flatMap((result) => result.assertions)

t.test('the seeds hold thousands of indicators of every type by two authors', async (t) => {
  const distinct = new Set(assertions.map(({ type, value }) => `${type} ${value}`))
  t.ok(pulses.length >= 25)
  t.ok(distinct.size >= 2000, `${distinct.size} indicators`)
  t.ok(body.length < 2e6)
  // hostname and domain are one type of ours; NIDS is OTX's word for one that is none.
  t.equal(new Set(assertions.map(({ type }) => type)).size, 20 + 1)
  t.strictSame([...new Set(reports.map(({ report }) => report.author))].sort(), [
    'HarbourWatch-Demo',
    'LanternLabs-Demo',
  ])
  t.strictSame([...new Set(reports.map(({ report }) => report.tlp))].sort(), [
    'amber',
    'green',
    'white',
  ])
})

t.test('the seeds hold what packages of reports tell beside indicators', async (t) => {
  // Of a report that the demo's collections may show, none of which permits more than green.
  const shown = reports.filter(({ report }) => report.public && report.tlp !== 'amber')
  const has = (what: string, found: boolean) => t.ok(found, what)
  has(
    'an adversary',
    shown.some(({ report }) => report.adversary === 'Paper Crane'),
  )
  has(
    'a family',
    shown.some(({ report }) => report.malwareFamilies.includes('DemoBot')),
  )
  has(
    'a technique',
    shown.some(({ report }) => report.attackIds.includes('T1105')),
  )
  has(
    'more than a chunk',
    shown.some((one) => one.assertions.length > 100),
  )
  const told = shown.flatMap((one) => one.assertions)
  const live = told.filter(
    (one) => one.active && now.getTime() - one.validFrom.getTime() < 80 * 86_400_000,
  )
  has(
    'sightings',
    live.some(({ sightings = 0 }) => sightings > 1),
  )
  for (const role of ['command_and_control', 'malware_hosting', 'phishing']) {
    has(
      role,
      live.some((one) => one.role === role),
    )
  }
  for (const type of ['cidr', 'cve', 'imphash', 'pehash']) {
    has(
      type,
      live.some((one) => one.type === type),
    )
  }
  has(
    'a YARA rule',
    live.some((one) => one.type === 'yara' && one.value.startsWith('rule ')),
  )
})

t.test('the seeds are as old for any day as they were for their base', async (t) => {
  const ages = assertions.map(({ validFrom }) => (now.getTime() - validFrom.getTime()) / 86_400_000)
  t.ok(Math.min(...ages) >= 0)
  t.ok(Math.min(...ages) < 2)
  t.ok(Math.max(...ages) > 10 * 365)
  const expired = assertions.filter(({ validUntil }) => validUntil && validUntil < now)
  t.ok(expired.length > 80, `${expired.length}`)
  t.ok(assertions.some(({ validUntil }) => validUntil && validUntil > now))
  t.ok(assertions.some(({ active }) => !active))
  t.ok(reports.some(({ report }) => !report.public))
})

t.test('the seeds hold each kind of record that is to be refused', async (t) => {
  const reasons = (list: readonly { reason: string }[]) => list.map(({ reason }) => reason)
  t.strictSame(reasons(results.filter(isRejection)), ['date-out-of-range', 'forbidden-key'])
  t.strictSame(reasons(reports.flatMap(({ rejections }) => rejections)), [
    'date-out-of-range',
    'date-out-of-range',
    'date-out-of-range',
    'date-unreadable',
    'date-unreadable',
    'missing-field',
    'wrong-shape',
    'missing-field',
    'wrong-shape',
    'wrong-shape',
    'forbidden-key',
  ])
  t.ok(assertions.some(({ externalId }) => externalId === '18446744073709551617'))
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
})

t.test('one pulse has a revision that keeps eight indicators and brings six', async (t) => {
  const before = pulses.find(({ id }) => id === revision.id)
  const idsOf = (pulse: object | undefined) =>
    (pulse as { indicators: { id: number }[] }).indicators.map(({ id }) => id)
  const old = new Set(idsOf(before))
  t.equal(old.size, 12)
  t.equal(idsOf(revision.change).filter((id) => old.has(id)).length, 8)
  t.equal(idsOf(revision.change).length, 14)
})

t.test('one pulse is to be deleted, and one is too large for a list of pulses', async (t) => {
  const deleted = pulses.find(({ id }) => id === deletedPulse)
  const its = (deleted?.indicators ?? []) as readonly { readonly indicator: string }[]
  t.equal(its.length, 5)
  for (const { indicator } of its) {
    t.equal(assertions.filter(({ value }) => value === indicator).length, 1, 'nobody else has it')
  }
  const sizes = pulses.map(({ indicators }) => (indicators as readonly unknown[]).length)
  t.same(
    sizes.filter((size) => size > 200),
    [260],
  )
})

t.test('the seeds are what their script writes', async (t) => {
  const file = new URL('../../seeds/otx-pulses.json', import.meta.url)
  const committed = readFileSync(file, 'utf8')
  const script = new URL('../../scripts/make-seeds.ts', import.meta.url)
  const made = execFileSync(process.execPath, [script.pathname, '--print'], {
    encoding: 'utf8',
    maxBuffer: 10e6,
  })
  t.ok(made === committed)
})
