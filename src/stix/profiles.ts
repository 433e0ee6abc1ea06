import type { Profile } from '../model/collection.ts'
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

export function isPublishable(profile: Profile, type: ObservableType): type is RenderableType {
  return (typesByProfile[profile] as readonly ObservableType[]).includes(type)
}
