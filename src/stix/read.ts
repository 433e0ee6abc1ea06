import { readXml, type XmlElement, XmlError } from '../xml/read.ts'
import { isStixPackage, readPackage, type StixPackage, stixVersions } from './read-package.ts'

/** The content bindings of STIX 1.x, by the version of the packages that they announce. */
const bindingsByVersion: ReadonlyMap<string, string> = new Map(
  stixVersions.map((version) => [version, `urn:stix.mitre.org:xml:${version}`]),
)

/**
 * What is odd about a piece of content: `empty`, `not-xml` (text that is no XML document), `not-stix` (another
 * root element), `roots` (more than one), `escaped` (the package is text), `beside` (text stands beside the
 * package), `no-version`, `unknown-version`, `binding` (declared is another one than the version's).
 */
export type FindingWord =
  | 'empty'
  | 'not-xml'
  | 'not-stix'
  | 'roots'
  | 'escaped'
  | 'beside'
  | 'no-version'
  | 'unknown-version'
  | 'binding'

export interface Finding {
  readonly word: FindingWord
  /** a sentence for people, without a text of the content in it */
  readonly text: string
}

export interface StixContent {
  /** undefined where there is none: a finding says why */
  readonly package: StixPackage | undefined
  readonly findings: readonly Finding[]
}

function finding(word: FindingWord, text: string): Finding {
  return { word, text }
}

/** The elements that stand in the content: its own, or those of the document that its text spells. */
function findRoots(content: XmlElement, findings: Finding[]): readonly XmlElement[] {
  const text = content.text.trim()
  if (content.children.length > 0) {
    if (text !== '') findings.push(finding('beside', 'text stands beside the content’s elements'))
    return content.children
  }
  if (text === '') {
    findings.push(finding('empty', 'the content is empty'))
    return []
  }
  try {
    const root = readXml(Buffer.from(text))
    findings.push(finding('escaped', 'the content is escaped text instead of elements'))
    return [root]
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    findings.push(finding('not-xml', 'the content is text that is no XML document'))
    return []
  }
}

/** STIX 1.2.1 has namespaces of OASIS, which clients of STIX 1.2 do not know. */
function tellOther(roots: readonly XmlElement[]): string {
  return roots.some(({ name }) => name === 'STIX_Package')
    ? 'the STIX_Package is not in the namespace of STIX 1.0 to 1.2'
    : 'the content is not a STIX_Package'
}

function examineVersion({ version }: StixPackage, binding: string, findings: Finding[]): void {
  if (version === undefined) {
    findings.push(finding('no-version', 'the STIX_Package does not say its version'))
    return
  }
  const announced = bindingsByVersion.get(version)
  if (announced === undefined) {
    findings.push(finding('unknown-version', 'the STIX_Package is of a version that is not known'))
  } else if (announced !== binding) {
    findings.push(
      finding('binding', 'the Content_Binding is not that of the STIX_Package’s version'),
    )
  }
}

/**
 * Reads the STIX package in a TAXII Content element. Whatever is in it, this returns: what is odd is among
 * the findings. It takes time linear in the size of the content.
 * @param binding the id of the Content_Binding that came with it, '' where none did
 */
export function readContent(content: XmlElement, binding: string): StixContent {
  const findings: Finding[] = []
  const roots = findRoots(content, findings)
  if (roots.length > 1)
    findings.push(finding('roots', 'the content has more than one root element'))
  const root = roots.find(isStixPackage)
  if (!root) {
    if (roots.length > 0) findings.push(finding('not-stix', tellOther(roots)))
    return { package: undefined, findings }
  }
  const stixPackage = readPackage(root)
  examineVersion(stixPackage, binding, findings)
  return { package: stixPackage, findings }
}
