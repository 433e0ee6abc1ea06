import { normalForm } from '../../../model/normal-form.ts'
import type { CyboxProperties, CyboxValue } from '../../../stix/read-cybox.ts'
import type { Candidate } from './candidates.ts'
import { reason, type ValueRule } from './rules.ts'

/*
 * What MineMeld makes of an object: PaloAltoNetworks/minemeld-core, minemeld/ft/taxii.py,
 * _decode_object_properties, with ip_version_auto_detect on, as is its default. It looks at no condition, and
 * takes each value of a list.
 */
const grade = 'documented'

function propertiesOf({ observable, target }: Candidate): CyboxProperties | undefined {
  return (target ?? observable).properties
}

/** The fields that the client names an object by. Of a File it is one of several: takesOneOfFile. */
const namingFields: ReadonlyMap<string, string> = new Map([
  ['DomainNameObjectType', 'Value'],
  ['URIObjectType', 'Value'],
  ['LinkObjectType', 'Value'],
  ['AddressObjectType', 'Address_Value'],
  ['SocketAddressObjectType', 'Address_Value'],
  ['PDFFileObjectType', 'File_Name'],
  ['WindowsExecutableFileObjectType', 'File_Name'],
  ['WhoisObjectType', 'Remarks'],
  ['HTTPSessionObjectType', 'Raw_Header'],
  ['PortObjectType', 'Port_Value'],
])

const noProperties = reason(
  'no-properties',
  grade,
  'the observable holds no object with properties',
)
const otherType = reason('type', grade, 'the client does not decode objects of this type')
const otherField = reason('field', grade, 'the client names objects of this type by another field')

function holds(candidate: Candidate, name: string): boolean {
  if (candidate.known || candidate.field?.field === 'File_Name')
    return candidate.field?.field === name
  return propertiesOf(candidate)?.values.some(({ field }) => field === name) ?? false
}

export const takesObjects: ValueRule = (candidate) => {
  const properties = propertiesOf(candidate)
  if (!properties) return noProperties
  const { type } = properties
  if (type === 'FileObjectType' || type === 'EmailMessageObjectType') return undefined
  const naming = namingFields.get(type ?? '')
  if (naming === undefined) return otherType
  return holds(candidate, naming) ? undefined : otherField
}

const noAddress = reason(
  'no-address',
  grade,
  'the value is neither an IP address nor a block of them',
)
const defanged = /[[({\\]/

/** The version is found from the value alone, so that e-mail addresses in an Address object are lost. */
export const needsIpAddress: ValueRule = (candidate) => {
  const type = propertiesOf(candidate)?.type
  if (type !== 'AddressObjectType' && type !== 'SocketAddressObjectType') return undefined
  return !defanged.test(candidate.item) && normalForm('cidr', candidate.item).ok
    ? undefined
    : noAddress
}

const otherLink = reason('link-type', grade, 'the Link is of another type than URL')

export const takesLinksToUrls: ValueRule = (candidate) =>
  propertiesOf(candidate)?.type === 'LinkObjectType' &&
  (candidate.field?.category ?? 'URL') !== 'URL'
    ? otherLink
    : undefined

const messagePart = reason(
  'message-part',
  grade,
  'of a message the client takes its sender or its subject',
)

export const takesSenders: ValueRule = (candidate) => {
  if (propertiesOf(candidate)?.type !== 'EmailMessageObjectType') return undefined
  const { field } = candidate
  const isNaming = field?.within === 'From' || field?.field === 'Subject'
  return isNaming ? undefined : messagePart
}

interface NamedFile {
  readonly hasName: boolean
  readonly strongest: CyboxValue | undefined
}

// From the weakest to the strongest: of several hashes the strongest is the indicator.
const hashNames = ['ssdeep', 'md5', 'sha1', 'sha256', 'sha512']
const files = new WeakMap<CyboxProperties, NamedFile>()

/** The client compares the Type in lower case and as it is written: `SHA-256` is none of its names. */
function examineFile(properties: CyboxProperties): NamedFile {
  const known = files.get(properties)
  if (known) return known
  let strongest: CyboxValue | undefined
  let strength = 0
  for (const value of properties.values) {
    const own = hashNames.indexOf(value.hash?.written?.toLowerCase() ?? '')
    // A later hash of the same kind takes the place of an earlier one.
    if (own < 0 || own < strength) continue
    strongest = value
    strength = own
  }
  const hasName = properties.values.some(({ field }) => field === 'File_Name')
  const file = { hasName, strongest }
  files.set(properties, file)
  return file
}

const noHash = reason('no-hash', grade, 'the file has no hash whose Type the client knows')
const named = reason(
  'file-name',
  grade,
  'the file has a File_Name, which is taken instead of its hashes',
)
const weaker = reason('weaker-hash', grade, 'the file has another hash that is taken instead')
const filePart = reason(
  'file-part',
  grade,
  'of a file the client takes its name or its strongest hash',
)

export const takesOneOfFile: ValueRule = (candidate) => {
  const properties = propertiesOf(candidate)
  if (properties?.type !== 'FileObjectType') return undefined
  const { hasName, strongest } = examineFile(properties)
  const { field } = candidate
  if (!strongest) return noHash
  if (field?.field === 'File_Name') return undefined
  if (!field?.hash) return filePart
  if (hasName) return named
  return field === strongest ? undefined : weaker
}
