import type { ObservableType } from './observable.ts'
import type { Tlp } from './tlp.ts'

/** One source's claim, in one report, that an observable is malicious; as it arrived, unjudged. */
export interface Assertion {
  /** A known type, or the upstream's own word where we do not know it. */
  readonly type: ObservableType | (string & {})
  /** The observable as the upstream wrote it, with characters illegal in XML 1.0 removed. */
  readonly value: string
  /** The upstream's id for this claim: text, because OTX's ids pass 2^31 and Cisco's pass 2^53. */
  readonly externalId: string | undefined
  readonly title: string
  readonly description: string
  readonly role: string
  readonly tlp: Tlp
  /** 0 to 100, read as STIX 2.1 appendix A does: 1–29 low, 30–69 medium, 70–100 high. */
  readonly confidence: number
  readonly validFrom: Date
  readonly validUntil: Date | undefined
  /** false where the upstream itself has switched the claim off */
  readonly active: boolean
  /** true where the upstream itself has accepted that it is a false positive; absent: not known */
  readonly refuted?: boolean
  /** how often the upstream says that it was seen; absent: it does not say */
  readonly sightings?: number
}
