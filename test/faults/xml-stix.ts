import type { Random } from './feed-random.ts'
import { type Attribute, element, type Node, type Tag } from './xml-tree.ts'

const stix = 'http://stix.mitre.org/stix-1'
const common = 'http://stix.mitre.org/common-1'
const indicator = 'http://stix.mitre.org/Indicator-2'
const cybox = 'http://cybox.mitre.org/cybox-2'
const cyboxCommon = 'http://cybox.mitre.org/common-2'
const marking = 'http://data-marking.mitre.org/Marking-1'
const tlpMarking = 'http://data-marking.mitre.org/extensions/MarkingStructure#TLP-1'
const instance = 'http://www.w3.org/2001/XMLSchema-instance'
const object = (name: string) => `http://cybox.mitre.org/objects#${name}-2`

const withType = (tag: Tag, type: string): Tag => ({
  ...tag,
  // The prefix in the value is bound nowhere, or to something else: nobody may trust it blindly.
  attributes: [{ namespace: instance, name: 'type', value: type } as Attribute, ...tag.attributes],
})

const aText = (random: Random) =>
  random.pick([
    'h1.taxiway-demo.com',
    'h1.taxiway-demo.com##comma##h2.taxiway-demo.com',
    '##comma####comma##',
    '198.51.100.7',
    '203.0.113.0/24',
    '2001:db8::1',
    'http://h3.taxiway-demo.com/a?b=c&d="e"',
    'd41d8cd98f00b204e9800998ecf8427e',
    'ａ１．taxiway-demo．com',
    'xn--80ak6aa92e.com',
    '\u202emoc.omed-yawixat',
    '😀',
    'x'.repeat(random.below(3_000)),
    ' \t ',
    '',
    '__proto__',
    "'; drop table blocks; --",
    `h${random.below(100_000)}.taxiway-demo.com`,
  ])

const anId = (random: Random) => `ex:thing-${random.below(20)}`

/** A STIX package with whatever may stand in one, sound or not. */
export function aPackage(random: Random): Tag {
  const maybe = <T>(chance: number, make: () => T): T | undefined =>
    random.chance(chance) ? make() : undefined
  const several = <T>(most: number, make: () => T): T[] =>
    Array.from({ length: random.below(most + 1) }, make)

  const condition = () => ({
    condition: maybe(0.6, () =>
      random.pick(['Equals', 'Equals', 'Contains', 'StartsWith', 'DoesNotEqual', 'x']),
    ),
    apply_condition: maybe(0.3, () => random.pick(['ANY', 'ALL', 'x'])),
    delimiter: maybe(0.1, () => random.pick(['##comma##', ',', ''])),
    pattern_type: maybe(0.05, () => 'Regex'),
  })
  const properties = (): Tag => {
    const make = (name: string, type: string, children: readonly Tag[], attributes = {}) =>
      withType(element(cybox, 'Properties', attributes, children), `${name}:${type}`)
    const value = (namespace: string, name: string) =>
      element(namespace, name, condition(), [aText(random)])
    switch (random.below(6)) {
      case 0:
        return make(
          'AddressObj',
          'AddressObjectType',
          [value(object('AddressObject'), 'Address_Value')],
          { category: random.pick(['ipv4-addr', 'ipv6-addr', 'cidr', 'e-mail', 'x']) },
        )
      case 1:
        return make('DomainNameObj', 'DomainNameObjectType', [
          value(object('DomainNameObject'), 'Value'),
        ])
      case 2:
        return make('URIObj', 'URIObjectType', [value(object('URIObject'), 'Value')], {
          type: random.pick(['URL', 'Domain Name', 'x']),
        })
      case 3:
        return make('FileObj', 'FileObjectType', [
          element(object('FileObject'), 'Hashes', {}, [
            element(cyboxCommon, 'Hash', {}, [
              element(cyboxCommon, 'Type', {}, [random.pick(['MD5', 'SHA256', 'SSDEEP', 'x'])]),
              element(cyboxCommon, 'Simple_Hash_Value', condition(), [aText(random)]),
            ]),
          ]),
        ])
      case 4:
        return make('MutexObj', 'MutexObjectType', [value(object('MutexObject'), 'Name')])
      default:
        return make('x', 'UnknownObjectType', [element('urn:x', 'Anything', {}, [aText(random)])])
    }
  }
  const observable = (depth = 0): Tag =>
    element(
      depth === 0 ? indicator : cybox,
      'Observable',
      {
        id: maybe(0.8, () => anId(random)),
        idref: maybe(0.15, () => anId(random)),
        negate: maybe(0.1, () => random.pick(['true', 'false', 'x'])),
      },
      [
        maybe(0.2, () => element(cybox, 'Title', {}, [aText(random)])),
        depth < 4 && random.chance(0.25)
          ? element(cybox, 'Observable_Composition', { operator: random.pick(['OR', 'AND']) }, [
              ...several(3, () => observable(depth + 1)),
            ])
          : element(cybox, 'Object', { id: anId(random) }, [properties()]),
      ],
    )
  const handling = (namespace: string): Tag =>
    element(namespace, 'Handling', {}, [
      element(marking, 'Marking', {}, [
        element(marking, 'Controlled_Structure', {}, [
          random.pick(['//node() | //@*', '../../descendant-or-self::node()', 'count(//*)', '[']),
        ]),
        withType(
          element(marking, 'Marking_Structure', {
            color: random.pick(['WHITE', 'GREEN', 'AMBER', 'RED', 'white', 'PINK']),
          }),
          'tlpMarking:TLPMarkingStructureType',
        ),
      ]),
    ])
  const anIndicator = (): Tag =>
    withType(
      element(
        stix,
        'Indicator',
        {
          id: maybe(0.9, () => anId(random)),
          idref: maybe(0.05, () => anId(random)),
          timestamp: maybe(0.7, () => random.pick(['2026-05-01T00:00:00Z', 'x', '2026-05-01'])),
          negate: maybe(0.05, () => 'true'),
        },
        [
          element(indicator, 'Title', {}, [aText(random)]),
          maybe(0.3, () => element(indicator, 'Type', {}, ['Domain Watchlist'])),
          maybe(0.3, () =>
            element(indicator, 'Valid_Time_Position', {}, [
              element(indicator, 'Start_Time', {}, ['2026-05-01T00:00:00Z']),
              element(indicator, 'End_Time', {}, [random.pick(['2027-05-01T00:00:00Z', 'x'])]),
            ]),
          ),
          maybe(0.9, () => observable()),
          maybe(0.2, () => handling(indicator)),
          maybe(0.3, () =>
            element(indicator, 'Confidence', {}, [
              element(common, 'Value', {}, [random.pick(['High', 'Low', '70', 'x', '-1'])]),
            ]),
          ),
          maybe(0.2, () =>
            element(indicator, 'Sightings', { sightings_count: random.pick(['3', 'x']) }),
          ),
        ],
      ),
      'indicator:IndicatorType',
    )

  const root = element(
    stix,
    'STIX_Package',
    {
      id: maybe(0.95, () => `ex:Package-${random.below(200)}`),
      version: random.pick(['1.2', '1.1.1', '1.1', '1.0', '2.0', 'x']),
      timestamp: maybe(0.7, () => random.pick(['2026-05-01T00:00:00Z', 'x'])),
    },
    [
      maybe(0.7, () =>
        element(stix, 'STIX_Header', {}, [
          maybe(0.8, () => element(stix, 'Title', {}, [aText(random)])),
          maybe(0.5, () => handling(stix)),
        ]),
      ),
      maybe(0.2, () =>
        element(cybox, 'Observables', { cybox_major_version: '2', cybox_minor_version: '1' }, [
          ...several(2, () => observable(1)),
        ]),
      ),
      element(stix, 'Indicators', {}, several(3, anIndicator)),
      maybe(0.05, () => element(stix, 'Related_Packages', {}, [element(stix, 'Related_Package')])),
    ],
  )
  const extras: Node[] = random.chance(0.1) ? [{ raw: '<!-- end -->' }] : []
  const extraNamespace: Attribute = { namespace: tlpMarking, name: 'x', value: 'y' }
  return {
    ...root,
    attributes: random.chance(0.1) ? [...root.attributes, extraNamespace] : root.attributes,
    children: [...root.children, ...extras],
  }
}
