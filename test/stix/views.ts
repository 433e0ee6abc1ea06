import type { IndicatorView, PermittedAssertion } from '../../src/model/indicator.ts'
import type { RenderableType } from '../../src/stix/cybox.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import type { Producer } from '../../src/stix/package.ts'

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

/** A value in normal form for each type that can be rendered. */
export const sampleValues: Readonly<Record<RenderableType, string>> = {
  ipv4: '198.51.100.7',
  ipv6: '2001:db8::7',
  domain: 'xn--mnchen-3ya.example',
  url: 'http://evil.example/a?b=1&c=<2>#]]>',
  email: 'o\'neil&"co"@evil.example',
  md5: '0123456789abcdef0123456789abcdef',
  sha1: '0123456789abcdef0123456789abcdef01234567',
  sha256: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  'file-path': 'C:\\Users\\a & b\\<x>.exe',
  mutex: 'Global\\M 😀 ##comma## \t]]>',
}

export function viewOf(
  type: RenderableType,
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
