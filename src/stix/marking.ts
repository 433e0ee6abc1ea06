import { type Tlp, tlpLevels, tlpRank } from '../model/tlp.ts'
import { type Namespaces, namespaces } from './namespaces.ts'

export function mostRestrictiveTlp(claims: readonly { readonly tlp: Tlp }[]): Tlp {
  let most: Tlp = 'white'
  for (const { tlp } of claims) if (tlpRank(tlp) > tlpRank(most)) most = tlp
  return most
}

/*
 * STIX 1 knows TLP 1.0 alone. AMBER would let a client pass AMBER+STRICT on to its customers, so machines
 * are told RED and people read which it is.
 */
const colors: Readonly<Record<Tlp, string>> = {
  white: 'WHITE',
  green: 'GREEN',
  amber: 'AMBER',
  'amber+strict': 'RED',
  red: 'RED',
}
const strictStatement =
  '<marking:Marking_Structure xsi:type="simpleMarking:SimpleMarkingStructureType"><simpleMarking:Statement>TLP:AMBER+STRICT</simpleMarking:Statement></marking:Marking_Structure>'

const plain = namespaces('xsi', 'marking', 'tlpMarking')
const strict = plain | namespaces('simpleMarking')

export function markingNamespaces(tlp: Tlp): Namespaces {
  return tlp === 'amber+strict' ? strict : plain
}

function renderMarking(tlp: Tlp, structure: string): string {
  return `<marking:Marking><marking:Controlled_Structure>${structure}</marking:Controlled_Structure><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="${colors[tlp]}"/>${tlp === 'amber+strict' ? strictStatement : ''}</marking:Marking>`
}

const owners = new Map(
  tlpLevels.map((tlp) => [
    tlp,
    renderMarking(
      tlp,
      '../../../descendant-or-self::node() | ../../../descendant-or-self::node()/@*',
    ),
  ]),
)

/** What a Handling holds that marks the construct it is in, whole, so that it stays marked when packages are taken apart. */
export function markOwner(tlp: Tlp): string {
  return owners.get(tlp) as string
}

/** What a header's Handling holds that marks the whole package. */
export function markPackage(tlp: Tlp): string {
  return renderMarking(tlp, '//node() | //@*')
}
