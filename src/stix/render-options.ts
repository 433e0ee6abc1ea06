import type { ContentBinding, Shape } from '../model/collection.ts'
import type { IdNamespace } from './ids.ts'

/** Who publishes: named on each indicator, and owner of the namespace of all ids. */
export interface Producer {
  readonly name: string
  /** checked with idNamespaceFault */
  readonly idNamespace: IdNamespace
}

export interface RenderOptions extends Shape {
  readonly binding: ContentBinding
  readonly producer: Producer
}

interface Versions {
  /** of TTPs, threat actors and exploit targets too */
  readonly package: string
  readonly indicator: string
}

export const versions: Readonly<Record<ContentBinding, Versions>> = {
  'urn:stix.mitre.org:xml:1.2': { package: '1.2', indicator: '2.2' },
  'urn:stix.mitre.org:xml:1.1.1': { package: '1.1.1', indicator: '2.1.1' },
}

/** The attributes with which every construct begins. */
export function identify(construct: string, guid: string, options: RenderOptions): string {
  const { prefix } = options.producer.idNamespace
  return `id="${prefix}:${construct}-${guid}" version="${versions[options.binding].package}"`
}
