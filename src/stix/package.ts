import { hash } from 'node:crypto'
import type { IndicatorView } from '../model/indicator.ts'
import { formatMicros, type Micros } from '../model/micros.ts'
import { collectContext, contextNamespaces, indicateInline, renderThreatActors } from './context.ts'
import { getSpelling } from './cybox.ts'
import {
  exploitTargetNamespaces,
  renderExploitTarget,
  wrapExploitTargets,
} from './exploit-target.ts'
import { indicatorGuid, packageGuid } from './ids.ts'
import {
  type IndicatorContent,
  indicatorNamespaces,
  renderIndicatorElement,
  toIndicatorContent,
} from './indicator.ts'
import { renderHead } from './namespaces.ts'
import { findLeftOut } from './profiles.ts'
import { identify, type Producer, type RenderOptions } from './render-options.ts'
import {
  putTime,
  type RenderedPackage,
  shortDigest,
  timeMark,
  toRenderedPackage,
} from './rendered-package.ts'

export { confidenceLevel } from './indicator.ts'
export type { Producer, RenderOptions } from './render-options.ts'
export type { RenderedPackage } from './rendered-package.ts'

/**
 * Renders an indicator as a package of its own, in the one shape that every known client reads: one inline
 * observable with one value. TTPs are inline too, so that nothing stands apart from the indicator but the
 * threat actors, for which it has no place.
 * @throws TypeError when the shape leaves the indicator out; ask isPublishable first
 */
export function renderIndicator(view: IndicatorView, options: RenderOptions): RenderedPackage {
  const { type, value } = view
  const leftOut = findLeftOut(options, type, value)
  if (leftOut) throw new TypeError(`an indicator cannot be rendered: ${leftOut.text}`)
  if (type === 'cve') return renderVulnerability(view, options)
  const context = options.profile === 'full' ? collectContext(view.assertions) : undefined
  const ttps = context ? indicateInline(context, options) : ''
  const content = toIndicatorContent(view, options, ttps)
  const actors = context ? renderThreatActors(context, content.tlp, options) : ''
  const used = indicatorNamespaces(content) | (context ? contextNamespaces(context) : 0)
  return {
    digest: digestOf(content, actors, options),
    withTimestamp: (timestamp) => ({
      head: renderHead(used, options.producer.idNamespace),
      tail: assembleTail(content, actors, options, formatMicros(timestamp)),
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

function renderVulnerability(view: IndicatorView, options: RenderOptions): RenderedPackage {
  const guid = indicatorGuid(view.type, view.value)
  const target = renderExploitTarget(view, guid, options)
  return toRenderedPackage(
    renderHead(exploitTargetNamespaces(view), options.producer.idNamespace),
    wrap(view, wrapExploitTargets(target), options, timeMark),
  )
}
function wrap(
  { type, value }: Pick<IndicatorView, 'type' | 'value'>,
  inner: string,
  options: RenderOptions,
  time: string,
): string {
  return ` ${identify('Package', packageGuid(type, value, options), options)} timestamp="${time}">${inner}</stix:STIX_Package>`
}

function assembleTail(
  content: IndicatorContent,
  actors: string,
  options: RenderOptions,
  time: string,
): string {
  const guid = indicatorGuid(content.type, content.value)
  const guids = { indicator: guid, observable: guid }
  const indicator = renderIndicatorElement(content, guids, options, time)
  const inner = `<stix:Indicators>${indicator}</stix:Indicators>${actors && putTime(actors, time)}`
  return wrap(content, inner, options, time)
}

const sampleProducer: Producer = { name: '', idNamespace: { prefix: 'p', uri: 'urn:u' } }
const templateDigests = new Map<string, string>()

/** Stands for all that a package holds besides its content, so that a change of the template shows in digests. */
function templateDigest({ type, tlp }: IndicatorContent, options: RenderOptions): string {
  const { binding, profile, cidr } = options
  const key = `${binding} ${profile} ${cidr} ${type} ${tlp}`
  const known = templateDigests.get(key)
  if (known !== undefined) return known
  const sample: IndicatorContent = {
    ...{ type, tlp, value: '', title: '', description: '', validity: '', confidence: '' },
    ...{ ttps: '', killChainPhases: '', sightings: '', producerName: '', references: '' },
    spelling: type === 'yara' ? undefined : getSpelling(type, '', cidr),
  }
  const sampleOptions = { ...options, producer: sampleProducer }
  const head = renderHead(indicatorNamespaces(sample), sampleProducer.idNamespace)
  const digest = hash('sha256', head + assembleTail(sample, '', sampleOptions, ''))
  templateDigests.set(key, digest)
  return digest
}

/*
 * Hashing the whole package would cost more than rendering it: 2 kB, of which 400 bytes are its own.
 * The fields are separated by a character that XML cannot hold; the value alone may hold any, and is last.
 * What few packages have stands in front, so that the digests of all others stay what they were.
 */
function digestOf(content: IndicatorContent, actors: string, options: RenderOptions): Buffer {
  const { prefix, uri } = options.producer.idNamespace
  const { title, description, validity, confidence, producerName, references, value } = content
  const rare = content.ttps + content.killChainPhases + content.sightings + actors
  return shortDigest(
    `${rare && `${rare}\0`}${templateDigest(content, options)}\0${prefix}\0${uri}\0${title}\0${description}\0${validity}\0${confidence}\0${producerName}\0${references}\0${value}`,
  )
}
