import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createJudge } from '../src/curation/judge.ts'
import { defaultPolicy } from '../src/curation/policy.ts'
import { compileWarninglists } from '../src/curation/warninglists.ts'
import { isPublicSuffix } from '../src/model/domain.ts'
import { normalForm } from '../src/model/normal-form.ts'
import type { ObservableType } from '../src/model/observable.ts'
import { readWarninglists } from '../src/warninglist-files.ts'

const folder = fileURLToPath(new URL('../seeds/warninglists', import.meta.url))
const { read, faults } = await readWarninglists([folder])
const find = compileWarninglists(read.map(({ list }) => list))

/** The strongest effect on the value; "told" where entries are about something else. */
function effectOn(spoken: string): string {
  const [type, text = ''] = spoken.split(' ') as [ObservableType, string]
  const form = normalForm(type, text)
  if (!form.ok) return form.problem
  const matches = find(form.type, form.value)
  for (const effect of ['block', 'lower', 'inform']) {
    if (matches.some(({ whole, list }) => whole && list.effect === effect)) return effect
  }
  return matches.length > 0 ? 'told' : 'no'
}

t.test('each list can be read whole, and says what it is', async (t) => {
  t.same(faults, [])
  t.ok(read.length >= 10)
  for (const { path, list, unusable, unknownAttributes } of read) {
    t.equal(unusable.count, 0, list.name)
    t.same(unknownAttributes, [], list.name)
    t.not(list.description, '', list.name)
    t.ok(list.version > 0, list.name)
    t.equal(new Set(list.entries).size, list.entries.length, `${list.name} says nothing twice`)
    t.ok(JSON.parse(readFileSync(path, 'utf8')).category, list.name)
  }
})

t.test(
  'no name under which others have theirs stands where all names under it are shielded',
  async (t) => {
    const shared = read.find(({ list }) => list.name === 'shared-domains')?.list.entries ?? []
    const wrong: string[] = []
    for (const { list } of read) {
      if (list.kind !== 'hostname') continue
      for (const entry of list.entries) {
        const under = shared.filter((one) => one.endsWith(`.${entry}`) && isPublicSuffix(one))
        const same = shared.filter((one) => one === entry && one !== 'youtu.be')
        const suffix = isPublicSuffix(entry) ? [entry] : []
        for (const one of [...suffix, ...same, ...under])
          wrong.push(`${list.name}: ${entry}: ${one}`)
      }
    }
    t.ok(shared.length > 100)
    t.same(wrong, [])
  },
)

t.test('ranges are no larger than what one owner has', async (t) => {
  for (const { list } of read) {
    if (list.kind !== 'cidr' || list.effect !== 'lower') continue
    for (const entry of list.entries) {
      const bits = Number(entry.slice(entry.indexOf('/') + 1))
      t.ok(bits >= (entry.includes(':') ? 24 : 9), `${list.name}: ${entry}`)
    }
  }
})

const expected = {
  'domain gmail.com': 'block',
  'domain www.gmail.com': 'block',
  'domain www.outlook.com': 'block',
  'domain www.bit.ly': 'block',
  'domain smtp.gmail.com': 'block',
  'domain google.com': 'block',
  'domain www.google.com': 'block',
  'domain login.microsoftonline.com': 'block',
  'domain ctldl.windowsupdate.com': 'block',
  'domain github.com': 'block',
  'domain github.io': 'block',
  'domain amazonaws.com': 'block',
  'domain r3.o.lencr.org': 'block',
  'domain 2.de.pool.ntp.org': 'block',
  'domain a.root-servers.net': 'block',
  'domain api.ipify.org': 'inform',
  'url https://www.google.com/': 'block',
  'url http://8.8.8.8/': 'block',
  'ipv4 8.8.8.8': 'block',
  'ipv6 2001:4860:4860:0::8888': 'block',
  'cidr 8.8.8.0/24': 'block',
  'ipv4 104.16.1.1': 'lower',
  'ipv4 52.95.1.1': 'lower',
  'ipv6 2606:4700::1': 'lower',
  'domain evil.github.io': 'no',
  'domain evil.blogspot.com': 'no',
  'domain mybucket.s3.amazonaws.com': 'no',
  'domain evil.azurewebsites.net': 'no',
  'domain evil.sharepoint.com': 'no',
  'domain d111111abcdef8.cloudfront.net': 'no',
  'domain evil.web.app': 'no',
  'domain 1.2.3.4.bc.googleusercontent.com': 'no',
  'domain evil.storage.googleapis.com': 'no',
  'domain evil.workers.dev': 'no',
  'domain evil.duckdns.org': 'no',
  'domain gmail.com.evil.com': 'no',
  'domain www-google.com': 'no',
  'domain notgoogle.com': 'no',
  'url https://github.com/evil/dropper/raw/main/a.exe': 'told',
  'url https://docs.google.com/forms/d/e/x/viewform': 'told',
  'url https://www.google.com/?q=1': 'told',
  'url https://evil.com/google.com': 'no',
  'url http://8.8.8.8/gate.php': 'told',
  'email joe@gmail.com': 'told',
  'email billing@microsoft.com': 'told',
  'ipv4 185.220.101.1': 'no',
} as const

t.test("what everybody uses is shielded, and what is somebody's there is not", async (t) => {
  for (const [spoken, wanted] of Object.entries(expected)) t.equal(effectOn(spoken), wanted, spoken)
})

t.test('the judge keeps out by them, and lowers', async (t) => {
  const judge = createJudge(defaultPolicy, find)
  const now = new Date('2026-06-01T00:00:00Z')
  const assertion = {
    problem: undefined,
    active: true,
    refuted: false,
    validFrom: now,
    validUntil: undefined,
    confidence: 50,
    public: true,
    author: 'a',
    source: 'otx',
  }
  const gmail = judge({ ...assertion, type: 'domain', value: 'gmail.com' }, now)
  t.match(gmail.suppressions, [{ reason: 'warninglist', rule: 'warninglist:mail-providers' }])
  const cloud = judge({ ...assertion, type: 'ipv4', value: '104.16.1.1' }, now)
  t.same(cloud.suppressions, [])
  t.equal(cloud.confidence, 25)
  t.match(cloud.remarks, [{ rule: 'warninglist:cloudflare-ranges' }])
})
