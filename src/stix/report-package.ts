import type { ReportView } from '../model/report-view.ts'
import type { RenderedPackage, RenderOptions } from './package.ts'

/**
 * Renders a chunk of a report as one package: its header with the report's name, description, references and
 * marking, and one indicator for each of the view's.
 * @throws TypeError when the shape leaves one of the indicators out; ask isPublishable first
 */
export function renderReport(_view: ReportView, _options: RenderOptions): RenderedPackage {
  throw new Error('not yet')
}
