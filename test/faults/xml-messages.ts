import type { Random } from './feed-random.ts'
import { aPackage } from './xml-stix.ts'
import { element, type Tag } from './xml-tree.ts'

export type TaxiiVersion = '1.1' | '1.0'

export const namespaces: Readonly<Record<TaxiiVersion, string>> = {
  '1.1': 'http://taxii.mitre.org/messages/taxii_xml_binding-1.1',
  '1.0': 'http://taxii.mitre.org/messages/taxii_xml_binding-1',
}

/** What the messages speak of, so that many of them meet something that is there. */
export interface Known {
  readonly collections: readonly string[]
  readonly inboxes: readonly string[]
}

export interface Message {
  readonly version: TaxiiVersion
  readonly id: string
  readonly root: Tag
}

const bindings = [
  'urn:stix.mitre.org:xml:1.2',
  'urn:stix.mitre.org:xml:1.2',
  'urn:stix.mitre.org:xml:1.2',
  'urn:stix.mitre.org:xml:1.1.1',
  'urn:stix.mitre.org:xml:1.0',
  'urn:oasis:cap',
  '',
]
const times = [
  ...Array<string>(20).fill('2026-01-01T00:00:00Z'),
  '2026-01-01T00:00:00.5+01:00',
  '2026-06-01T23:59:59.999999-12:00',
  '2031-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '2026-01-01T00:00:00',
  '2026-02-30T00:00:00Z',
  '2026-01-01T00:00:00.1234567Z',
  '2016-12-31T23:59:60Z',
  '',
]

/** Draws a message that the grammar of its version has, mostly with values that can be answered. */
export function aMessage(random: Random, known: Known): Message {
  const version = random.chance(0.7) ? '1.1' : '1.0'
  // In TAXII 1.0 they are numbers.
  const ids = version === '1.1' ? ['m-1', 'ä', '<&">', '__proto__'] : ['0', '18446744073709551615']
  const id = random.pick([...ids, '7', String(random.below(2 ** 31))])
  const root = version === '1.1' ? message11(random, known, id) : message10(random, known, id)
  return { version, id, root }
}

const maybe = <T>(random: Random, chance: number, make: () => T): T | undefined =>
  random.chance(chance) ? make() : undefined

const several = <T>(random: Random, most: number, make: () => T): T[] =>
  Array.from({ length: random.below(most + 1) }, make)

const aCollectionName = (random: Random, { collections }: Known) =>
  random.chance(0.9) ? random.pick(collections) : random.pick(['absent', '', 'ä'.repeat(300)])

const aSubscriptionId = (random: Random) =>
  random.pick(['s-1', '', '00000000-0000-4000-8000-000000000000', "' or 1=1 --"])

function message11(random: Random, known: Known, id: string): Tag {
  const namespace = namespaces['1.1']
  const make = (
    name: string,
    attributes: Record<string, string | undefined> = {},
    children: readonly (Tag | string | undefined)[] = [],
  ) => element(namespace, name, attributes, children)
  const message = (
    name: string,
    attributes: Record<string, string | undefined>,
    children: readonly (Tag | undefined)[],
  ) =>
    make(name, { message_id: id, ...attributes }, [
      maybe(random, 0.1, () =>
        make('Extended_Headers', {}, [make('Extended_Header', { name: 'urn:x' }, ['value'])]),
      ),
      ...children,
      maybe(random, 0.05, () =>
        element('http://www.w3.org/2000/09/xmldsig#', 'Signature', {}, ['x']),
      ),
    ])
  const aBinding = () =>
    make('Content_Binding', { binding_id: random.pick(bindings) || 'urn:x' }, [
      maybe(random, 0.1, () => make('Subtype', { subtype_id: 's' })),
    ])
  const push = (name: string) =>
    make(name, {}, [
      make('Protocol_Binding', {}, ['urn:taxii.mitre.org:protocol:http:1.0']),
      make('Address', {}, ['http://127.0.0.1:1/']),
      make('Message_Binding', {}, ['urn:taxii.mitre.org:message:xml:1.1']),
    ])
  const responseType = () =>
    make('Response_Type', {}, [random.pick(['FULL', 'COUNT_ONLY', 'FULL', 'ALL', ''])])

  switch (random.below(9)) {
    case 0:
      return message('Discovery_Request', {}, [])
    case 1:
      return message('Collection_Information_Request', {}, [])
    case 2:
    case 3:
      return message('Poll_Request', { collection_name: aCollectionName(random, known) }, [
        maybe(random, 0.5, () => make('Exclusive_Begin_Timestamp', {}, [random.pick(times)])),
        maybe(random, 0.4, () => make('Inclusive_End_Timestamp', {}, [random.pick(times)])),
        random.chance(0.15)
          ? make('Subscription_ID', {}, [aSubscriptionId(random)])
          : make(
              'Poll_Parameters',
              { allow_asynch: maybe(random, 0.3, () => random.pick(['true', '0', 'perhaps'])) },
              [
                maybe(random, 0.8, responseType),
                ...several(random, 2, aBinding),
                maybe(random, 0.1, () =>
                  make('Query', { format_id: 'urn:taxii.mitre.org:query:default:1.0' }, ['x']),
                ),
                maybe(random, 0.1, () => push('Delivery_Parameters')),
              ],
            ),
      ])
    case 4:
      return message(
        'Poll_Fulfillment',
        {
          collection_name: aCollectionName(random, known),
          result_id: random.pick(['x', '1/1', '00000000-0000-4000-8000-000000000000', '%00', 'ä']),
          result_part_number: random.pick(['1', '2', '99', '0', '-1', '99999999999999999999', 'x']),
        },
        [],
      )
    case 5:
      return message(
        'Subscription_Management_Request',
        {
          collection_name: aCollectionName(random, known),
          action: random.pick(['SUBSCRIBE', 'UNSUBSCRIBE', 'PAUSE', 'RESUME', 'STATUS', 'BURN']),
        },
        [
          maybe(random, 0.4, () => make('Subscription_ID', {}, [aSubscriptionId(random)])),
          maybe(random, 0.3, () =>
            make('Subscription_Parameters', {}, [
              maybe(random, 0.5, responseType),
              ...several(random, 2, aBinding),
            ]),
          ),
          maybe(random, 0.1, () => push('Push_Parameters')),
        ],
      )
    case 6:
      return message(
        'Status_Message',
        { in_response_to: '1', status_type: random.pick(['SUCCESS', 'BAD_MESSAGE', 'x']) },
        [
          maybe(random, 0.5, () =>
            make('Status_Detail', {}, [make('Detail', { name: 'ITEM' }, ['x'])]),
          ),
          maybe(random, 0.5, () => make('Message', {}, ['so it is'])),
        ],
      )
    default:
      return message('Inbox_Message', { result_id: maybe(random, 0.1, () => 'r-1') }, [
        ...several(random, 2, () =>
          make('Destination_Collection_Name', {}, [
            random.chance(0.8) ? random.pick(known.inboxes) : aCollectionName(random, known),
          ]),
        ),
        maybe(random, 0.2, () => make('Message', {}, ['please'])),
        maybe(random, 0.1, () =>
          make('Source_Subscription', { collection_name: 'theirs' }, [
            make('Subscription_ID', {}, ['s']),
            make('Inclusive_End_Timestamp', {}, [random.pick(times)]),
          ]),
        ),
        maybe(random, 0.3, () =>
          make('Record_Count', {}, [random.pick(['1', '1', '0', '7', '-1', 'x'])]),
        ),
        ...several(random, 3, () =>
          make('Content_Block', {}, [
            aBinding(),
            make('Content', {}, someContent(random)),
            maybe(random, 0.3, () => make('Timestamp_Label', {}, [random.pick(times)])),
            maybe(random, 0.1, () => make('Message', {}, ['x'])),
            maybe(random, 0.1, () => make('Padding', {}, ['0'.repeat(random.below(5_000))])),
          ]),
        ),
      ])
  }
}

function message10(random: Random, known: Known, id: string): Tag {
  const namespace = namespaces['1.0']
  const make = (
    name: string,
    attributes: Record<string, string | undefined> = {},
    children: readonly (Tag | string | undefined)[] = [],
  ) => element(namespace, name, attributes, children)
  const aBinding = () => make('Content_Binding', {}, [random.pick(bindings)])
  const feed = { message_id: id, feed_name: aCollectionName(random, known) }
  const subscription = { subscription_id: maybe(random, 0.2, () => aSubscriptionId(random)) }

  switch (random.below(7)) {
    case 0:
      return make('Discovery_Request', { message_id: id })
    case 1:
      return make('Feed_Information_Request', { message_id: id })
    case 2:
    case 3:
      return make('Poll_Request', { ...feed, ...subscription }, [
        maybe(random, 0.5, () => make('Exclusive_Begin_Timestamp', {}, [random.pick(times)])),
        maybe(random, 0.4, () => make('Inclusive_End_Timestamp', {}, [random.pick(times)])),
        ...several(random, 2, aBinding),
      ])
    case 4:
      return make('Subscription_Management_Request', {
        ...feed,
        ...subscription,
        action: random.pick(['SUBSCRIBE', 'UNSUBSCRIBE', 'STATUS', 'PAUSE']),
      })
    case 5:
      return make(
        'Status_Message',
        { message_id: id, in_response_to: '1', status_type: random.pick(['SUCCESS', 'x']) },
        [maybe(random, 0.5, () => make('Message', {}, ['so it is']))],
      )
    default:
      return make('Inbox_Message', { message_id: id }, [
        maybe(random, 0.2, () => make('Message', {}, ['please'])),
        maybe(random, 0.1, () =>
          make('Source_Subscription', { feed_name: 'theirs', subscription_id: 's' }, [
            make('Inclusive_End_Timestamp', {}, [random.pick(times)]),
          ]),
        ),
        ...several(random, 3, () =>
          make('Content_Block', {}, [
            aBinding(),
            make('Content', {}, someContent(random)),
            maybe(random, 0.3, () => make('Timestamp_Label', {}, [random.pick(times)])),
            maybe(random, 0.1, () => make('Padding', {}, ['0'])),
          ]),
        ),
      ])
  }
}

/** Mostly a package of STIX; else what is none. */
function someContent(random: Random): readonly (Tag | string)[] {
  if (random.chance(0.85)) return [aPackage(random)]
  return random.pick<readonly (Tag | string)[]>([
    [],
    ['<STIX_Package/>'],
    ['some words, & not <XML>'],
    [aPackage(random), aPackage(random)],
    ['before', aPackage(random), 'after'],
    [element('', 'STIX_Package')],
    [element('urn:oasis:names:tc:emergency:cap:1.1', 'alert', {}, ['x'])],
  ])
}
