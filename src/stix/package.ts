import { hash } from 'node:crypto'
import type { IndicatorView } from '../model/indicator.ts'
import { formatMicros, type Micros } from '../model/micros.ts'
import type { RenderableType } from './cybox.ts'
import { indicatorGuid, packageGuid } from './ids.ts'
import {
  type IndicatorContent,
  indicatorNamespaces,
  type Producer,
  type RenderOptions,
  renderIndicatorElement,
  toIndicatorContent,
  versions,
} from './indicator.ts'
import { renderHead } from './namespaces.ts'
import { findLeftOut } from './profiles.ts'

export { confidenceLevel, type Producer, type RenderOptions } from './indicator.ts'

/** A package without its timestamps, which are known only when it is known to be new. */
export interface RenderedPackage {
  /** 16 bytes over everything but the timestamps: the same digest, the same package. */
  readonly digest: Buffer
  /**
   * The package as it goes into a Content element, head and tail in one: no XML declaration, one line
   * unless texts have more. The head is the same for very many packages.
   */
  withTimestamp(timestamp: Micros): { readonly head: string; readonly tail: string }
}

function assembleHead(content: IndicatorContent, { producer }: RenderOptions): string {
  return renderHead(indicatorNamespaces(content), producer.idNamespace)
}

function assembleTail(content: IndicatorContent, options: RenderOptions, time: string): string {
  const { type, value } = content
  const { binding, profile, producer } = options
  const { prefix } = producer.idNamespace
  const guid = indicatorGuid(type, value)
  const guids = { indicator: guid, observable: guid }
  return ` id="${prefix}:Package-${packageGuid(type, value, profile, binding)}" version="${versions[binding].package}" timestamp="${time}"><stix:Indicators>${renderIndicatorElement(content, guids, options, time)}</stix:Indicators></stix:STIX_Package>`
}

const sampleProducer: Producer = { name: '', idNamespace: { prefix: 'p', uri: 'urn:u' } }
const templateDigests = new Map<string, string>()

/** Stands for all that a package holds besides its content, so that a change of the template shows in digests. */
function templateDigest(
  { type, tlp }: IndicatorContent,
  { binding, profile, cidr }: RenderOptions,
): string {
  const key = `${binding} ${profile} ${cidr} ${type} ${tlp}`
  const known = templateDigests.get(key)
  if (known !== undefined) return known
  const blank = {
    title: '',
    description: '',
    validity: '',
    confidence: '',
    sightings: '',
    references: '',
  }
  const sample: IndicatorContent = { type, value: '', tlp, producerName: '', ...blank }
  const options = { binding, profile, cidr, producer: sampleProducer }
  const digest = hash('sha256', assembleHead(sample, options) + assembleTail(sample, options, ''))
  templateDigests.set(key, digest)
  return digest
}

/*
 * Hashing the whole package would cost more than rendering it: 2 kB, of which 400 bytes are its own.
 * The fields are separated by a character that XML cannot hold; the value alone may hold any, and is last.
 * What few packages have stands in front, so that the digests of all others stay what they were.
 */
function digestOf(content: IndicatorContent, options: RenderOptions): Buffer {
  const { prefix, uri } = options.producer.idNamespace
  const { title, description, validity, confidence, producerName, references, value } = content
  const rare = content.sightings
  const text = `${rare && `${rare}\0`}${templateDigest(content, options)}\0${prefix}\0${uri}\0${title}\0${description}\0${validity}\0${confidence}\0${producerName}\0${references}\0${value}`
  return hash('sha256', text, 'buffer').subarray(0, 16)
}

/**
 * Renders an indicator as a package of its own, in the one shape that every known client reads:
 * one inline observable with one value, nothing by reference.
 * @throws TypeError when the shape leaves the indicator out; ask isPublishable first
 */
export function renderIndicator(view: IndicatorView, options: RenderOptions): RenderedPackage {
  const { type, value } = view
  const leftOut = findLeftOut(options, type, value)
  if (leftOut) throw new TypeError(`an indicator cannot be rendered: ${leftOut.text}`)
  const content = toIndicatorContent(view, type as RenderableType, options.producer)
  return {
    digest: digestOf(content, options),
    withTimestamp: (timestamp) => ({
      head: assembleHead(content, options),
      tail: assembleTail(content, options, formatMicros(timestamp)),
    }),
  }
}

/** As renderIndicator, at once with its timestamp. */
export function renderPackage(
  view: IndicatorView,
  options: RenderOptions & { readonly timestamp: Micros },
): string {
  const { head, tail } = renderIndicator(view, options).withTimestamp(options.timestamp)
  return head + tail
}
