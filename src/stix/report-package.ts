import { hash } from 'node:crypto'
import { formatMicros } from '../model/micros.ts'
import type { ReportView } from '../model/report-view.ts'
import type { Tlp } from '../model/tlp.ts'
import { escapeText } from '../xml/write.ts'
import type { RenderableType } from './cybox.ts'
import { claimGuid, indicatorGuid, reportPackageGuid } from './ids.ts'
import {
  indicatorNamespaces,
  type RenderOptions,
  renderIndicatorElement,
  toIndicatorContent,
  versions,
} from './indicator.ts'
import { markingNamespaces, markPackage, mostRestrictiveTlp } from './marking.ts'
import { namespaces, renderHead } from './namespaces.ts'
import type { RenderedPackage } from './package.ts'
import { findLeftOut } from './profiles.ts'
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

// A character that XML cannot hold stands for the timestamp, so that no text can look like it.
const timeMark = '\0'

/**
 * Renders a chunk of a report as one package: its header with the report's name, description, references and
 * marking, and one indicator for each of the view's.
 * @throws TypeError when the shape leaves one of the indicators out; ask isPublishable first
 */
export function renderReport(view: ReportView, options: RenderOptions): RenderedPackage {
  const { idNamespace } = options.producer
  const tlp = mostRestrictiveTlp(view.indicators.flatMap(({ assertions }) => assertions))
  let used = headerNamespaces | markingNamespaces(tlp)
  let indicators = ''
  for (const indicator of view.indicators) {
    const { type, value } = indicator
    const leftOut = findLeftOut(options, type, value)
    if (leftOut) throw new TypeError(`an indicator of a report cannot be rendered: ${leftOut.text}`)
    const content = toIndicatorContent(indicator, type as RenderableType, options.producer)
    const guids = {
      indicator: claimGuid(view, type, value),
      observable: indicatorGuid(type, value),
    }
    used |= indicatorNamespaces(content)
    indicators += renderIndicatorElement(content, guids, options, timeMark)
  }
  const head = renderHead(used, idNamespace)
  const id = `${idNamespace.prefix}:Package-${reportPackageGuid(view, options, options.binding)}`
  const body = ` id="${id}" version="${versions[options.binding].package}" timestamp="${timeMark}">${renderHeader(view, tlp, options)}<stix:Indicators>${indicators}</stix:Indicators></stix:STIX_Package>`
  return {
    digest: hash('sha256', head + body, 'buffer').subarray(0, 16),
    withTimestamp: (timestamp) => ({
      head,
      tail: body.replaceAll(timeMark, formatMicros(timestamp)),
    }),
  }
}

const headerNamespaces = namespaces('xsi', 'stix', 'stixCommon', 'stixVocabs')

/** STIX 1.2 would have the texts in a Report; the header is where every client of either version looks. */
function renderHeader(view: ReportView, tlp: Tlp, { producer }: RenderOptions): string {
  const { name, description, author, source, externalId } = view
  const title = toLine(name, maxTitleLength) || toLine(`Report ${externalId}`, maxTitleLength)
  const said = toParagraphs(description, maxReportDescriptionLength)
  const origin = tellOrigin(author, source) || toLine(producer.name, maxTitleLength)
  const references = selectReferences(view.references, maxReportReferences)
    .map((address) => `<stixCommon:Reference>${escapeText(address)}</stixCommon:Reference>`)
    .join('')
  return `<stix:STIX_Header><stix:Title>${escapeText(title)}</stix:Title><stix:Package_Intent xsi:type="stixVocabs:PackageIntentVocab-1.0">Indicators</stix:Package_Intent>${said && `<stix:Description>${escapeText(said)}</stix:Description>`}<stix:Handling>${markPackage(tlp)}</stix:Handling><stix:Information_Source><stixCommon:Identity><stixCommon:Name>${escapeText(origin)}</stixCommon:Name></stixCommon:Identity>${references && `<stixCommon:References>${references}</stixCommon:References>`}</stix:Information_Source></stix:STIX_Header>`
}
