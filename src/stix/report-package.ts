import type { ReportView } from '../model/report-view.ts'
import type { Tlp } from '../model/tlp.ts'
import { escapeText } from '../xml/write.ts'
import {
  collectContext,
  contextNamespaces,
  indicateByReference,
  noContext,
  renderThreatActors,
  renderTtps,
} from './context.ts'
import {
  exploitTargetNamespaces,
  renderExploitTarget,
  wrapExploitTargets,
} from './exploit-target.ts'
import { claimGuid, indicatorGuid, reportPackageGuid } from './ids.ts'
import { indicatorNamespaces, renderIndicatorElement, toIndicatorContent } from './indicator.ts'
import { renderReferences, renderSource } from './information-source.ts'
import { markingNamespaces, markPackage, mostRestrictiveTlp } from './marking.ts'
import { namespaces, renderHead } from './namespaces.ts'
import { findLeftOut } from './profiles.ts'
import { identify, type RenderOptions } from './render-options.ts'
import { type RenderedPackage, timeMark, toRenderedPackage } from './rendered-package.ts'
import {
  maxReportReferences,
  maxTitleLength,
  selectReferences,
  tellOrigin,
  toLine,
  toParagraphs,
} from './text.ts'

// A report's own words stand once for up to a hundred indicators.
const maxReportDescriptionLength = 10_000

/**
 * Renders a chunk of a report as one package: its header with the report's name, description, references and
 * marking, one indicator (of a CVE: one exploit target) for each of the view's, and once for all of them the
 * TTPs and the threat actor that the report names.
 * @throws TypeError when the shape leaves one of the indicators out; ask isPublishable first
 */
export function renderReport(view: ReportView, options: RenderOptions): RenderedPackage {
  const tlp = mostRestrictiveTlp(view.indicators.flatMap(({ assertions }) => assertions))
  const context = options.profile === 'full' ? collectContext([view]) : noContext
  const ttps = indicateByReference(context, options)
  let used = headerNamespaces | markingNamespaces(tlp) | contextNamespaces(context)
  let indicators = ''
  let targets = ''
  for (const indicator of view.indicators) {
    const { type, value } = indicator
    const leftOut = findLeftOut(options, type, value)
    if (leftOut) throw new TypeError(`an indicator of a report cannot be rendered: ${leftOut.text}`)
    const claim = claimGuid(view, type, value)
    if (type === 'cve') {
      used |= exploitTargetNamespaces(indicator)
      targets += renderExploitTarget(indicator, claim, options)
      continue
    }
    const content = toIndicatorContent(indicator, options, ttps)
    const guids = { indicator: claim, observable: indicatorGuid(type, value) }
    used |= indicatorNamespaces(content)
    indicators += renderIndicatorElement(content, guids, options, timeMark)
  }
  const id = identify('Package', reportPackageGuid(view, options), options)
  const inner =
    renderHeader(view, tlp, options) +
    (indicators && `<stix:Indicators>${indicators}</stix:Indicators>`) +
    renderTtps(context, tlp, options) +
    wrapExploitTargets(targets) +
    renderThreatActors(context, tlp, options)
  return toRenderedPackage(
    renderHead(used, options.producer.idNamespace),
    ` ${id} timestamp="${timeMark}">${inner}</stix:STIX_Package>`,
  )
}

const headerNamespaces = namespaces('xsi', 'stix', 'stixCommon', 'stixVocabs')

/** STIX 1.2 would have the texts in a Report; the header is where clients of either version look. */
function renderHeader(view: ReportView, tlp: Tlp, { producer }: RenderOptions): string {
  const { name, description, author, source, externalId, references } = view
  const title = toLine(name, maxTitleLength) || toLine(`Report ${externalId}`, maxTitleLength)
  const said = escapeText(toParagraphs(description, maxReportDescriptionLength))
  const origin = tellOrigin(author, source) || toLine(producer.name, maxTitleLength)
  const addresses = selectReferences(references, maxReportReferences)
  return `<stix:STIX_Header><stix:Title>${escapeText(title)}</stix:Title><stix:Package_Intent xsi:type="stixVocabs:PackageIntentVocab-1.0">Indicators</stix:Package_Intent>${said && `<stix:Description>${said}</stix:Description>`}<stix:Handling>${markPackage(tlp)}</stix:Handling><stix:Information_Source>${renderSource(escapeText(origin), renderReferences(addresses))}</stix:Information_Source></stix:STIX_Header>`
}
