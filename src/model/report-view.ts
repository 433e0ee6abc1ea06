import type { IndicatorView } from './indicator.ts'

/** A chunk of one report as one collection may see it: what a package of the packaging `report` holds. */
export interface ReportView {
  readonly source: string
  /** the source's id of the report */
  readonly externalId: string
  readonly name: string
  readonly description: string
  readonly author: string
  readonly references: readonly string[]
  readonly tags: readonly string[]
  readonly adversary: string
  readonly malwareFamilies: readonly string[]
  readonly attackIds: readonly string[]
  /** which chunk of the report, from 1; an indicator stays in the chunk that it came into */
  readonly chunk: number
  /**
   * 1 to 100, in a fixed order, of types and values that the shape can spell; each with exactly one
   * assertion, this report's
   */
  readonly indicators: readonly IndicatorView[]
}
