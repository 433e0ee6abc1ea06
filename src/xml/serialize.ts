import type { XmlElement } from './read.ts'
import { escapeAttribute, escapeText } from './write.ts'

/** Namespaces by prefix; '' is the default one. */
export type Declarations = Readonly<Record<string, string>>

/**
 * Writes elements as they were read, with the prefixes that they declared: those stand in values too. An
 * element's own text comes before its children.
 */
export interface XmlSerializer {
  open(element: XmlElement): string
  /** an element with all that is in it */
  child(element: XmlElement): string
  text(text: string): string
  close(): string
}

interface Scope {
  readonly name: string
  /** those that are in force, by prefix */
  readonly prefixes: ReadonlyMap<string, string>
}

/** @param around declared outside of what is written, and so declared in its first element again */
export function createXmlSerializer(around: Declarations = {}): XmlSerializer {
  const scopes: Scope[] = [{ name: '', prefixes: new Map() }]

  function open(element: XmlElement): string {
    const outer = (scopes.at(-1) as Scope).prefixes
    const declared = scopes.length === 1 ? { ...around, ...element.declares } : element.declares
    const own = new Map(Object.entries(declared ?? {}))
    const prefixes = own.size > 0 ? new Map([...outer, ...own]) : new Map(outer)
    const prefixOf = (namespace: string, ofAttribute: boolean): string => {
      for (const [prefix, uri] of prefixes) {
        if (uri === namespace && !(ofAttribute && prefix === '')) return prefix
      }
      let number = 0
      while (prefixes.has(`ns${number}`)) number += 1
      prefixes.set(`ns${number}`, namespace)
      own.set(`ns${number}`, namespace)
      return `ns${number}`
    }
    const spell = (namespace: string, name: string, ofAttribute: boolean): string => {
      if (namespace === xmlNamespace) return `xml:${name}`
      if (namespace === '') {
        // Without a namespace, and so not within a default one.
        if (!ofAttribute && prefixes.get('')) {
          prefixes.set('', '')
          own.set('', '')
        }
        return name
      }
      const prefix = prefixOf(namespace, ofAttribute)
      return prefix === '' ? name : `${prefix}:${name}`
    }
    const name = spell(element.namespace, element.name, false)
    const attributes = element.attributes.map(
      (one) => ` ${spell(one.namespace, one.name, true)}="${escapeAttribute(one.value)}"`,
    )
    const declarations = [...own].map(
      ([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(uri)}"`,
    )
    scopes.push({ name, prefixes })
    return `<${name}${declarations.join('')}${attributes.join('')}>`
  }

  function close(): string {
    return `</${scopes.pop()?.name}>`
  }

  function child(element: XmlElement): string {
    let text = open(element) + escapeText(element.text)
    for (const one of element.children) text += child(one)
    return text + close()
  }

  return { open, child, text: escapeText, close }
}

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
