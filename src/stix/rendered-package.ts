import { hash } from 'node:crypto'
import { formatMicros, type Micros } from '../model/micros.ts'

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

/** Stands for the package's timestamp. XML cannot hold it, so no text can look like it. */
export const timeMark = '\x01'

export function putTime(text: string, time: string): string {
  return text.replaceAll(timeMark, time)
}

export function shortDigest(text: string): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, 16)
}

/** @param tail with timeMark wherever the timestamp belongs */
export function toRenderedPackage(head: string, tail: string): RenderedPackage {
  return {
    digest: shortDigest(head + tail),
    withTimestamp: (timestamp) => ({ head, tail: putTime(tail, formatMicros(timestamp)) }),
  }
}
