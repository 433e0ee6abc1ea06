import { findAttribute, type XmlElement } from '../xml/read.ts'
import { badMessage } from './refusal.ts'

const signatureNamespace = 'http://www.w3.org/2000/09/xmldsig#'

/** Takes an element's children in the order of its schema. What is left over at the end is refused. */
export interface ChildSequence {
  optional(name: string): XmlElement | undefined
  required(name: string): XmlElement
  many(name: string): readonly XmlElement[]
  end(): void
}

/**
 * Children are in their parent's namespace, which tells the version of TAXII.
 * @param options.message the element is a whole message: it may begin with Extended_Headers and
 * end with a Signature; neither is looked into
 */
export function readChildren(
  element: XmlElement,
  options: { readonly message?: boolean } = {},
): ChildSequence {
  if (element.text.trim() !== '') {
    throw badMessage(`${element.name} has text between its elements`)
  }
  const { children } = element
  let next = 0

  function optional(name: string): XmlElement | undefined {
    const child = children[next]
    if (child?.name !== name || child.namespace !== element.namespace) return undefined
    next += 1
    return child
  }

  if (options.message) optional('Extended_Headers')
  return {
    optional,
    required(name) {
      const child = optional(name)
      if (!child) throw badMessage(`${element.name} has no ${name} where one is needed`)
      return child
    },
    many(name) {
      const found: XmlElement[] = []
      for (let child = optional(name); child; child = optional(name)) found.push(child)
      return found
    },
    end() {
      const last = children[next]
      if (options.message && last?.name === 'Signature' && last.namespace === signatureNamespace) {
        next += 1
      }
      const extra = children[next]
      if (extra) {
        throw badMessage(`"${extra.name}" is unknown or out of its order in ${element.name}`)
      }
    },
  }
}

/**
 * Reads an element's attributes, with white space around them removed. One that the schema does not
 * know is refused, unless it has a namespace of its own, like xsi:schemaLocation.
 */
export function readAttributes<Required extends string, Optional extends string = never>(
  element: XmlElement,
  required: readonly Required[],
  optional: readonly Optional[] = [],
): Record<Required, string> & Partial<Record<Optional, string>> {
  const known = new Set<string>([...required, ...optional])
  for (const { name, namespace } of element.attributes) {
    if (namespace === '' && !known.has(name)) {
      throw badMessage(`${element.name} has no attribute "${name}"`)
    }
  }
  const values: Record<string, string> = {}
  for (const name of known) {
    const value = findAttribute(element, name)?.trim()
    if (value !== undefined) values[name] = value
  }
  for (const name of required) {
    if (!values[name]) throw badMessage(`${element.name} has no ${name}`)
  }
  return values as Record<Required, string> & Partial<Record<Optional, string>>
}

/** @returns the text of an element that may hold nothing else */
export function text(element: XmlElement): string {
  const [child] = element.children
  if (child) throw badMessage(`${element.name} holds an element, "${child.name}", and not text`)
  return element.text
}
