import { findAttribute, type XmlElement } from '../../../xml/read.ts'
import type { ReceivedBlock } from '../block.ts'
import type { BlockReading, ReadObservable } from '../reading.ts'

const xsi = 'http://www.w3.org/2001/XMLSchema-instance'

function findAll(root: XmlElement, name: string): readonly XmlElement[] {
  const found: XmlElement[] = []
  const waiting = [root]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.name === name) found.push(next)
    else waiting.push(...next.children)
  }
  return found
}

function textOf(root: XmlElement): string {
  return (root.text + root.children.map(textOf).join('')).trim()
}

/** Takes each observable that has properties for ingested; a stand-in for a device's own rules. */
export function countInline(block: ReceivedBlock): BlockReading {
  const observables: ReadObservable[] = []
  for (const properties of findAll(block.content, 'Properties')) {
    const type = findAttribute(properties, 'type', xsi)?.replace(/^.*:/, '') ?? 'unknown'
    observables.push({ type, value: textOf(properties), dropped: undefined })
  }
  return { choked: undefined, observables, ignored: [] }
}
