import type { Profile, Shape } from '../model/collection.ts'
import type { ObservableType } from '../model/observable.ts'
import type { RenderableType } from './cybox.ts'

/*
 * esa: the four families that Cisco Secure Email Gateway reads; no e-mail address, which it drops.
 * tid: what Threat Intelligence Director reads; of hashes SHA-256 alone.
 * full: all that Taxiway can spell today. A CIDR block, a CVE or a YARA rule is no plain observable and
 * is left out until a collection can ask for it.
 */
const typesByProfile = {
  esa: ['ipv4', 'ipv6', 'domain', 'url', 'md5', 'sha1', 'sha256'],
  tid: ['ipv4', 'ipv6', 'domain', 'url', 'sha256'],
  full: ['ipv4', 'ipv6', 'domain', 'url', 'email', 'md5', 'sha1', 'sha256', 'file-path', 'mutex'],
} as const satisfies Record<Profile, readonly RenderableType[]>

export function publishableTypes(profile: Profile): readonly RenderableType[] {
  return typesByProfile[profile]
}

/** Why a shape leaves an indicator out. */
export interface LeftOut {
  /** a stable word to count by: `type` where all of its type are left out, or else what is wrong with the value */
  readonly rule: string
  /** the end of a sentence that begins with the indicator */
  readonly text: string
}

/** @returns undefined where the shape publishes it */
export function findLeftOut(
  { profile }: Shape,
  type: ObservableType,
  _value: string,
): LeftOut | undefined {
  if ((typesByProfile[profile] as readonly ObservableType[]).includes(type)) return undefined
  return { rule: 'type', text: `its profile ${profile} does not publish ${type}` }
}

export function isPublishable(shape: Shape, type: ObservableType, value: string): boolean {
  return findLeftOut(shape, type, value) === undefined
}
