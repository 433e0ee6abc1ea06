import type { IndicatorView, PermittedAssertion } from '../../src/model/indicator.ts'
import type { ReportView } from '../../src/model/report-view.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import type { Producer } from '../../src/stix/package.ts'
import type { PublishableType } from '../../src/stix/profiles.ts'

export const producer: Producer = { name: 'Example SOC', idNamespace: defaultIdNamespace }

export const plainAssertion: PermittedAssertion = {
  source: 'otx',
  author: 'AlienVault',
  reportId: '5f0000000000000000000001',
  reportName: 'A campaign',
  reportReferences: ['https://www.example.org/report'],
  title: '',
  description: '',
  role: '',
  tlp: 'white',
  confidence: 50,
  validFrom: new Date('2026-01-02T03:04:05.678Z'),
  validUntil: new Date('2026-03-04T05:06:07Z'),
  sightings: undefined,
  adversary: '',
  malwareFamilies: [],
  attackIds: [],
}

/** A value in normal form for each type that can be published. */
export const sampleValues: Readonly<Record<PublishableType, string>> = {
  ipv4: '198.51.100.7',
  ipv6: '2001:db8::7',
  cidr: '198.51.100.0/24',
  domain: 'xn--mnchen-3ya.example',
  url: 'http://evil.example/a?b=1&c=<2>#]]>',
  email: 'o\'neil&"co"@evil.example',
  md5: '0123456789abcdef0123456789abcdef',
  sha1: '0123456789abcdef0123456789abcdef01234567',
  sha256: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  pehash: '89abcdef0123456789abcdef0123456789abcdef',
  imphash: '89abcdef0123456789abcdef01234567',
  'file-path': 'C:\\Users\\a & b\\<x>.exe',
  mutex: 'Global\\M 😀 ##comma## \t]]>',
  cve: 'CVE-2026-12345',
  yara: 'import "pe"\nprivate rule Evil_1 : tag {\n\tstrings: $a = "<&>]]>" ##comma##\n  condition: $a // 😀\n}',
}

export function viewOf(
  type: PublishableType,
  ...assertions: readonly Partial<PermittedAssertion>[]
): IndicatorView {
  return {
    type,
    value: sampleValues[type],
    assertions: (assertions.length > 0 ? assertions : [{}]).map((some) => ({
      ...plainAssertion,
      ...some,
    })),
  }
}

/** A report with what the types' sample values are, or with these indicators. */
export function reportOf(
  indicators: readonly (PublishableType | IndicatorView)[],
  change: Partial<ReportView> = {},
): ReportView {
  return {
    source: 'otx',
    externalId: plainAssertion.reportId,
    name: plainAssertion.reportName,
    description: 'What was seen.\nAnd by whom.',
    author: plainAssertion.author,
    references: plainAssertion.reportReferences,
    tags: ['tag'],
    adversary: '',
    malwareFamilies: [],
    attackIds: [],
    chunk: 1,
    indicators: indicators.map((one) => (typeof one === 'string' ? viewOf(one) : one)),
    ...change,
  }
}

export const nastyTexts: readonly string[] = [
  '',
  '<&>"\' ]]> <!-- --> <![CDATA[ &amp; &#0; <?xml?>',
  'emoji 😀👩‍👩‍👧, 漢字, münchen.example, عربي',
  'line\r\none\rtwo\nthree\ttab',
  '\0\x01\x0b\x1f\x7f\x85\ufffe\uffff\ud800 lone \udc00 end\ud83d',
  `${'long '.repeat(2000)}😀`,
  '😀'.repeat(3000),
  '   ',
]

export const nastyReferences: readonly string[] = [
  'https://www.example.org/a?b=1&c=2#d',
  'https://www.example.org/x?[y]={1}|2^3',
  'https://münchen.example/ä b',
  'https://www.example.org/%zz',
  'https://user:secret@www.example.org/',
  'https://www.example.org/a#b#c',
  'http://[2001:db8::1]/',
  'http://a b.example/',
  'hxxp://evil[.]example/',
  'javascript:alert(1)',
  'not an address',
  '',
  '😀',
]
