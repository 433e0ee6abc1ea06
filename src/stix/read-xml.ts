import { findAttribute, type XmlElement } from '../xml/read.ts'

/** The namespaces that STIX 1.0 to 1.2 share, whatever prefixes a document gives them. */
export const stixNamespace = 'http://stix.mitre.org/stix-1'
export const stixCommonNamespace = 'http://stix.mitre.org/common-1'
export const indicatorNamespace = 'http://stix.mitre.org/Indicator-2'
export const cyboxNamespace = 'http://cybox.mitre.org/cybox-2'
export const markingNamespace = 'http://data-marking.mitre.org/Marking-1'
const schemaInstance = 'http://www.w3.org/2001/XMLSchema-instance'

export function findChild(
  element: XmlElement | undefined,
  namespace: string,
  name: string,
): XmlElement | undefined {
  return element?.children.find((child) => child.name === name && child.namespace === namespace)
}

export function findChildren(
  element: XmlElement | undefined,
  namespace: string,
  name: string,
): readonly XmlElement[] {
  if (!element) return []
  return element.children.filter((child) => child.name === name && child.namespace === namespace)
}

/** @returns the trimmed text of a child; undefined where there is no such child or it is blank */
export function findText(
  element: XmlElement | undefined,
  namespace: string,
  name: string,
): string | undefined {
  const text = findChild(element, namespace, name)?.text.trim()
  return text === '' ? undefined : text
}

/** @returns undefined for an attribute that is missing or blank */
export function findAttributeText(element: XmlElement, name: string): string | undefined {
  const text = findAttribute(element, name)?.trim()
  return text === '' ? undefined : text
}

/**
 * @returns the local name of an element's `xsi:type`; its prefix is lost, because the element does not know
 * the declarations that were in force
 */
export function findSchemaType(element: XmlElement): string | undefined {
  const name = findAttribute(element, 'type', schemaInstance)?.trim()
  const local = name?.slice(name.lastIndexOf(':') + 1)
  return local === '' ? undefined : local
}

/**
 * The elements of a tree, the root first, in document order. It holds its own stack, so that a tree of any
 * depth can be walked.
 */
export function* walkTree(
  root: XmlElement,
  descends: (element: XmlElement) => boolean = () => true,
): Generator<XmlElement> {
  const waiting = [root]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next
    if (!descends(next)) continue
    for (let i = next.children.length - 1; i >= 0; i--) waiting.push(next.children[i] as XmlElement)
  }
}
