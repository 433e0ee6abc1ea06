import t from 'tap'
import { type ShortestAgeOut, worthKnowing } from '../../src/cli/worth-knowing.ts'
import type { CollectionSettings } from '../../src/model/collection.ts'
import { aCollection } from '../intake/reports.ts'

const plain: CollectionSettings = aCollection({
  profile: 'esa',
  bindings: ['urn:stix.mitre.org:xml:1.1.1', 'urn:stix.mitre.org:xml:1.2'],
  refreshDays: 20,
})

function notes(change: Partial<CollectionSettings>, ageOut?: ShortestAgeOut) {
  return worthKnowing({ ...plain, ...change }, ageOut)
}
const rules = (...args: Parameters<typeof notes>) =>
  notes(...args).map(({ rule, grade }) => `${rule} ${grade}`)
const textOf = (...args: Parameters<typeof notes>) =>
  notes(...args)
    .map(({ text }) => text)
    .join('\n')

t.test('what an ESA is known to take as it is has no note', async (t) => {
  t.strictSame(notes({}), [])
})

t.test('profile, CIDR and packaging', async (t) => {
  t.strictSame(rules({ profile: 'full' }), ['profile documented'])
  t.strictSame(rules({ profile: 'full', cidr: 'cidr' }), [
    'profile documented',
    'cidr documented',
    'cidr-form believed',
  ])
  t.match(textOf({ packaging: 'report' }), 'no document says what an ESA makes of that')
  t.match(
    textOf({ profile: 'tid', packaging: 'report' }),
    'what Threat Intelligence Director makes',
  )
  t.strictSame(rules({ profile: 'full', packaging: 'report' }), ['profile documented'])
})

t.test('MineMeld is sent the first binding', async (t) => {
  const newest = 'urn:stix.mitre.org:xml:1.2'
  t.match(textOf({ bindings: [newest, 'urn:stix.mitre.org:xml:1.1.1'] }), 'put 1.1.1 first for it')
  t.match(textOf({ bindings: [newest] }), 'list 1.1.1, and first, for it')
  t.strictSame(rules({ bindings: [newest] }), ['binding documented'])
  t.strictSame(rules({ profile: 'tid', bindings: [newest] }), [])
})

t.test('parts are for clients that are known to fetch them', async (t) => {
  t.strictSame(rules({ pageSize: 100 }), ['page-size believed'])
  t.strictSame(rules({ profile: 'tid', pageSize: 100 }), [])
})

t.test('an inbox publishes what comes unmarked where its maxTlp allows amber', async (t) => {
  t.match(textOf({ inbox: true, maxTlp: 'green' }), 'none of it is published here')
  t.strictSame(notes({ inbox: true, maxTlp: 'amber' }), [])
  t.strictSame(notes({ inbox: false, maxTlp: 'green' }), [])
})

t.test('what is served has to come again before a client drops it', async (t) => {
  t.match(textOf({ refreshDays: undefined }), 'there is no refreshDays')
  t.match(textOf({ refreshDays: 25 }), '5 days of polls that fail are enough')
  t.match(textOf({ refreshDays: 30 }), 'Keep refreshDays below that age.')
  t.strictSame(rules({ profile: 'tid', refreshDays: undefined }), ['refresh documented'])
  const soon = { account: 'esa1', days: 2 }
  t.strictSame(rules({ refreshDays: 1 }, soon), [])
  t.match(textOf({ refreshDays: 2 }, soon), 'the account esa1 drops what it was sent after 2 days')
  t.strictSame(rules({ refreshDays: 25 }, { account: 'esa1', days: 365 }), [])
})
