import type { XmlElement } from '../../src/xml/read.ts'
import { readXml } from '../../src/xml/read.ts'

const taxii = 'http://taxii.mitre.org/messages/taxii_xml_binding-1.1'

/** A Content element as a client receives it, with this XML in it. */
export function contentOf(inner: string): XmlElement {
  return readXml(Buffer.from(`<taxii:Content xmlns:taxii="${taxii}">${inner}</taxii:Content>`))
}

const namespaces = Object.entries({
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
  stix: 'http://stix.mitre.org/stix-1',
  stixCommon: 'http://stix.mitre.org/common-1',
  stixVocabs: 'http://stix.mitre.org/default_vocabularies-1',
  indicator: 'http://stix.mitre.org/Indicator-2',
  ttp: 'http://stix.mitre.org/TTP-1',
  et: 'http://stix.mitre.org/ExploitTarget-1',
  ta: 'http://stix.mitre.org/ThreatActor-1',
  coa: 'http://stix.mitre.org/CourseOfAction-1',
  campaign: 'http://stix.mitre.org/Campaign-1',
  incident: 'http://stix.mitre.org/Incident-1',
  yaraTM: 'http://stix.mitre.org/extensions/TestMechanism#YARA-1',
  marking: 'http://data-marking.mitre.org/Marking-1',
  tlpMarking: 'http://data-marking.mitre.org/extensions/MarkingStructure#TLP-1',
  simpleMarking: 'http://data-marking.mitre.org/extensions/MarkingStructure#Simple-1',
  cybox: 'http://cybox.mitre.org/cybox-2',
  cyboxCommon: 'http://cybox.mitre.org/common-2',
  cyboxVocabs: 'http://cybox.mitre.org/default_vocabularies-2',
  AddressObj: 'http://cybox.mitre.org/objects#AddressObject-2',
  DomainNameObj: 'http://cybox.mitre.org/objects#DomainNameObject-1',
  URIObj: 'http://cybox.mitre.org/objects#URIObject-2',
  LinkObj: 'http://cybox.mitre.org/objects#LinkObject-1',
  FileObj: 'http://cybox.mitre.org/objects#FileObject-2',
  MutexObj: 'http://cybox.mitre.org/objects#MutexObject-2',
  EmailMessageObj: 'http://cybox.mitre.org/objects#EmailMessageObject-2',
  SocketAddressObj: 'http://cybox.mitre.org/objects#SocketAddressObject-1',
  NetworkConnectionObj: 'http://cybox.mitre.org/objects#NetworkConnectionObject-2',
  HTTPSessionObj: 'http://cybox.mitre.org/objects#HTTPSessionObject-2',
  PortObj: 'http://cybox.mitre.org/objects#PortObject-2',
  ex: 'http://example.com/',
})
  .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`)
  .join('')

/** '' leaves an attribute out. */
interface PackageOptions {
  readonly version?: string
  readonly timestamp?: string
}

/** A STIX_Package with every namespace declared under its customary prefix. */
export function packageOf(
  inner: string,
  { version = '1.2', timestamp = '2026-01-02T03:04:05Z' }: PackageOptions = {},
): string {
  const attribute = (name: string, value: string) => (value === '' ? '' : ` ${name}="${value}"`)
  return `<stix:STIX_Package${namespaces} id="ex:Package-1"${attribute('version', version)}${attribute('timestamp', timestamp)}>${inner}</stix:STIX_Package>`
}

export function indicators(...all: readonly string[]): string {
  return `<stix:Indicators>${all.join('')}</stix:Indicators>`
}

export function indicator(inner: string, id = 'ex:indicator-1'): string {
  return `<stix:Indicator xsi:type="indicator:IndicatorType" id="${id}">${inner}</stix:Indicator>`
}

export function object(properties: string): string {
  return `<cybox:Object>${properties}</cybox:Object>`
}

/** An Observable of an indicator. */
export function observable(inner: string, id = 'ex:Observable-1'): string {
  return `<indicator:Observable id="${id}">${inner}</indicator:Observable>`
}

export function observableRef(idref: string): string {
  return `<indicator:Observable idref="${idref}"/>`
}

/** An Observable among the package's own, or in a composition. */
export function plainObservable(inner: string, id = 'ex:Observable-1'): string {
  return `<cybox:Observable id="${id}">${inner}</cybox:Observable>`
}

export function plainObservableRef(idref: string): string {
  return `<cybox:Observable idref="${idref}"/>`
}

export function observables(...all: readonly string[]): string {
  return `<stix:Observables cybox_major_version="2" cybox_minor_version="1">${all.join('')}</stix:Observables>`
}

export function composition(operator: string, ...members: readonly string[]): string {
  return `<cybox:Observable_Composition operator="${operator}">${members.join('')}</cybox:Observable_Composition>`
}

/** A package of one indicator with this object. */
export function objectPackage(properties: string): string {
  return packageOf(indicators(indicator(observable(object(properties)))))
}

export function address(value: string, category = 'ipv4-addr', attributes = equals): string {
  return `<cybox:Properties xsi:type="AddressObj:AddressObjectType" category="${category}"><AddressObj:Address_Value${attributes}>${value}</AddressObj:Address_Value></cybox:Properties>`
}

export const equals = ' condition="Equals"'

export function domain(value: string, attributes = equals): string {
  return `<cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType" type="FQDN"><DomainNameObj:Value${attributes}>${value}</DomainNameObj:Value></cybox:Properties>`
}

export function uri(value: string, type = 'URL', attributes = equals): string {
  return `<cybox:Properties xsi:type="URIObj:URIObjectType" type="${type}"><URIObj:Value${attributes}>${value}</URIObj:Value></cybox:Properties>`
}

/** @param type undefined: the hash does not say */
export function hash(value: string, type: string | undefined): string {
  const kind =
    type === undefined
      ? ''
      : `<cyboxCommon:Type xsi:type="cyboxVocabs:HashNameVocab-1.0">${type}</cyboxCommon:Type>`
  return `<cyboxCommon:Hash>${kind}<cyboxCommon:Simple_Hash_Value condition="Equals">${value}</cyboxCommon:Simple_Hash_Value></cyboxCommon:Hash>`
}

/** @param rest what stands before the hashes */
export function file(hashes: readonly string[], rest = ''): string {
  const all = hashes.length > 0 ? `<FileObj:Hashes>${hashes.join('')}</FileObj:Hashes>` : ''
  return `<cybox:Properties xsi:type="FileObj:FileObjectType">${rest}${all}</cybox:Properties>`
}

export const hashes = {
  md5: '0123456789abcdef0123456789abcdef',
  sha1: '0123456789abcdef0123456789abcdef01234567',
  sha256: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
} as const
