import type { ObservableType } from '../../model/observable.ts'
import type { ReceivedBlock } from './block.ts'

/** How sure we are of what a device does: read in a public source, inferred from one, or assumed to be careful. */
export type Grade = 'documented' | 'believed' | 'guess'

export interface Reason {
  /** a stable word to count by, such as `type` or `cidr` */
  readonly rule: string
  /** a sentence for people, without this value in it, so that equal reasons can be counted */
  readonly text: string
  readonly grade: Grade
}

/** One observable of a block, and what the device does with it. */
export interface ReadObservable {
  /** ours, or else the name of its CybOX type or of the construct that it stands in */
  readonly type: ObservableType | (string & {})
  readonly value: string
  /** why the device does not take it in; undefined: it does */
  readonly dropped: Reason | undefined
}

/** What a device makes of a block. */
export interface BlockReading {
  /** why the device fails on the block as a whole, and takes in nothing of it */
  readonly choked: Reason | undefined
  readonly observables: readonly ReadObservable[]
  /** what else of the block the device leaves, such as a TTP or an indicator without an observable */
  readonly ignored: readonly Reason[]
}

export type ReadBlock = (block: ReceivedBlock) => BlockReading
