import { createHash } from 'node:crypto'
import type { JudgedInput } from '../src/curation/judge.ts'
import type { Warninglist, WarninglistKind } from '../src/curation/warninglists.ts'
import { normalForm } from '../src/model/normal-form.ts'
import { type ObservableType, observableTypes } from '../src/model/observable.ts'

const hosts: readonly ObservableType[] = ['domain', 'url', 'ipv4', 'ipv6', 'cidr']
const tlds = ['com', 'net', 'org', 'de', 'co.uk', 'io', 'info']

/** Fifty lists with a million entries, of every kind, as MISP's collection has them: a few large, many small. */
export function makeLists(): readonly Warninglist[] {
  return [
    ...many(3, 200_000, 'hostname', ['domain', 'url'], topSite),
    ...many(1, 200_000, 'string', ['domain', 'url', 'email'], (i) => topSite(i + 5_000_000)),
    ...many(2, 40_000, 'string', ['md5', 'sha1', 'sha256'], hash),
    ...many(20, 1_000, 'hostname', ['domain', 'url'], (i) => topSite(i + 9_000_000)),
    ...many(10, 4_890, 'string', observableTypes, (i) => address(i * 7_919)),
    ...many(5, 10_000, 'cidr', hosts, network),
    ...many(2, 500, 'substring', ['domain', 'url', 'email'], (i) => `service-${i}.${tld(i)}`),
    ...many(2, 50, 'regex', ['domain', 'url', 'email'], pattern),
  ]
}

/** Indicators of mixed types, some of them on the lists. */
export function makeIndicators(count: number): readonly JudgedInput[] {
  return Array.from({ length: count }, (_, i) => {
    const [type, text] = observable(i)
    const form = normalForm(type, text)
    if (!form.ok) throw new Error(`${text} ${form.problem}`)
    return {
      type: form.type,
      value: form.value,
      problem: undefined,
      active: true,
      refuted: false,
      validFrom: new Date('2026-11-01T00:00:00Z'),
      validUntil: undefined,
      confidence: 50,
      public: true,
      author: 'bench',
      source: 'otx',
    }
  })
}

function observable(i: number): readonly [ObservableType, string] {
  const known = i % 10 === 0
  const name = known ? `www.${topSite(i)}` : `c${i * 31}.bad-${i % 977}.${tld(i)}`
  switch (i % 8) {
    case 0:
    case 1:
      return ['domain', name]
    case 2:
      return ['url', known ? `https://${name}/` : `http://${name}/panel/${i}/gate.php?id=${i * 3}`]
    case 3:
      return ['ipv4', address(known ? (i - (i % 10)) * 7_919 : i * 40_503)]
    case 4:
      return ['sha256', digest('sha256', i)]
    case 5:
      return ['md5', digest('md5', i)]
    case 6:
      return ['ipv6', `2a0${i % 10}:${(i % 65_536).toString(16)}::${(i % 9_999).toString(16)}`]
    default:
      return ['email', `user${i}@${name}`]
  }
}

function many(
  lists: number,
  entries: number,
  kind: WarninglistKind,
  types: readonly ObservableType[],
  entry: (i: number) => string,
): readonly Warninglist[] {
  return Array.from({ length: lists }, (_, list) => {
    const name = `${kind}-${entries}-${list}`
    const made = Array.from({ length: entries }, (_, i) => entry(list * entries + i))
    // As they come from the store: one text, cut.
    const cut = made.join('\n').split('\n')
    return { name, title: name, kind, effect: 'block', types, entries: cut, digest: name }
  })
}

function topSite(i: number): string {
  return `site-${((i * 2_654_435) % 99_999_989).toString(36)}.${tld(i)}`
}

function tld(i: number): string {
  return tlds[i % tlds.length] as string
}

function address(i: number): string {
  const spread = (i * 2_654_435_761) % 4_294_967_296
  return `${20 + (spread % 150)}.${(spread >>> 8) % 256}.${(spread >>> 16) % 256}.${i % 256}`
}

function network(i: number): string {
  if (i % 4 === 0) return `2a0${i % 10}:${(i % 65_536).toString(16)}::/${32 + (i % 17)}`
  return `${address(i)}/${16 + (i % 13)}`
}

function hash(i: number): string {
  return digest(i % 2 === 0 ? 'md5' : 'sha256', i + 1_000_000)
}

function digest(algorithm: string, i: number): string {
  return createHash(algorithm).update(String(i)).digest('hex')
}

function pattern(i: number): string {
  const forms = [
    `/^https?:\\/\\/([a-z0-9-]+\\.)*service${i}\\.com\\//i`,
    `/(^|\\.)cdn${i}-[0-9]+\\.net$/i`,
    `/@mail${i}\\.(com|org)$/i`,
  ]
  return forms[i % forms.length] as string
}
