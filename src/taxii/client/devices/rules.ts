import { readContent, type StixContent } from '../../../stix/read.ts'
import type { StixIndicator } from '../../../stix/read-indicator.ts'
import type { StixPackage } from '../../../stix/read-package.ts'
import type { ReceivedBlock } from '../block.ts'
import type { Grade, ReadBlock, ReadObservable, Reason } from '../reading.ts'
import { type Candidate, listCandidates } from './candidates.ts'

/** A rule that may fail a block as a whole. */
export type BlockRule = (block: ReceivedBlock, content: StixContent) => Reason | undefined

/** A rule that may drop one value. */
export type ValueRule = (candidate: Candidate, stixPackage: StixPackage) => Reason | undefined

/** A rule that says what of a package is left beside its values; `taken` tells which indicators gave one. */
export type RestRule = (
  stixPackage: StixPackage,
  taken: ReadonlySet<StixIndicator>,
) => readonly Reason[]

export interface DeviceRules {
  /** of these, and of `drops`, the first that speaks gives the reason */
  readonly chokes: readonly BlockRule[]
  readonly drops: readonly ValueRule[]
  readonly ignores: readonly RestRule[]
  /** what it takes in that is no observable */
  readonly keeps?: (stixPackage: StixPackage) => readonly ReadObservable[]
}

export function reason(rule: string, grade: Grade, text: string): Reason {
  return { rule, text, grade }
}

function findFirst<A, B>(
  rules: readonly ((a: A, b: B) => Reason | undefined)[],
  a: A,
  b: B,
): Reason | undefined {
  for (const rule of rules) {
    const found = rule(a, b)
    if (found) return found
  }
  return undefined
}

/** Makes a reading of a device's rules. Whatever a block holds, it returns. */
export function readBy({ chokes, drops, ignores, keeps }: DeviceRules): ReadBlock {
  return (block) => {
    const content = readContent(block.content, block.binding)
    const choked = findFirst(chokes, block, content)
    const stixPackage = content.package
    if (!stixPackage) return { choked, observables: [], ignored: [] }
    const observables: ReadObservable[] = []
    const taken = new Set<StixIndicator>()
    for (const candidate of listCandidates(stixPackage)) {
      const dropped = choked ?? findFirst(drops, candidate, stixPackage)
      const { place } = candidate.observable
      if (!dropped && place.within === 'indicator') taken.add(place.indicator)
      observables.push({ type: candidate.type, value: candidate.value, dropped })
    }
    if (choked) return { choked, observables, ignored: [] }
    if (keeps) for (const kept of keeps(stixPackage)) observables.push(kept)
    return { choked, observables, ignored: ignores.flatMap((rule) => rule(stixPackage, taken)) }
  }
}
