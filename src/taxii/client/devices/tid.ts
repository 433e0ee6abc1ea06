import type { Device } from '../device.ts'
import {
  needsBindingOfVersion,
  needsContent,
  needsPackage,
  needsZonedLabel,
  readsFirstRoot,
  takesBindings,
  takesVersions,
} from './block-rules.ts'
import {
  dropsCompositeIndicators,
  dropsConstructs,
  dropsEmpty,
  dropsEvents,
  dropsReferences,
  dropsRelatedIndicators,
  dropsRelatedObjects,
  dropsTopLevel,
} from './place-rules.ts'
import {
  discardsIndicators,
  leavesBareIndicators,
  leavesConstructs,
  leavesTestMechanisms,
} from './rest-rules.ts'
import { readBy } from './rules.ts'
import {
  dropsConditions,
  dropsDefanged,
  dropsDelimiters,
  dropsLists,
  dropsMalformed,
  dropsMismatches,
  dropsNetworks,
  dropsSeveral,
  dropsUntypedHashes,
  takesHashes,
  takesSchemes,
  takesTypes,
} from './value-rules.ts'

/*
 * Cisco's pages on the director (docs.manage.security.cisco.com/cdfmc, "Source Requirements" and "Source
 * Status Details") name the versions of STIX, complex indicators of AND and OR, the types, no CIDR blocks and
 * no prefix lengths, and that an indicator is discarded when all its observables are invalid.
 */
export const tid: Device = {
  name: 'tid',
  title: 'Cisco Firepower Threat Intelligence Director',
  basis:
    'versions, types, no CIDR and what is discarded are from Cisco’s guides; the rest is careful guessing, tried on no appliance',
  // Believed: the administrator picks from the collections that the server names.
  discovers: true,
  binding: undefined,
  windowDays: undefined,
  // Nothing is known of its attempts; one is the least.
  attempts: 1,
  // A guess; nothing is known of it.
  userAgent: 'Java/1.8.0',
  read: readBy({
    chokes: [
      needsContent('guess'),
      needsZonedLabel('guess'),
      readsFirstRoot('guess'),
      takesBindings(
        ['1.0', '1.0.1', '1.1', '1.1.1', '1.2'].map(
          (version) => `urn:stix.mitre.org:xml:${version}`,
        ),
        'believed',
        'the content is not announced as STIX 1.x',
      ),
      needsPackage('believed'),
      // 1.0.1 is not in the guide's list, but it is 1.0 with mistakes of its schemas put right.
      takesVersions(
        ['1.0', '1.0.1', '1.1', '1.1.1', '1.2'],
        'documented',
        'the STIX_Package is of a version that the device does not support',
      ),
      needsBindingOfVersion('guess'),
    ],
    drops: [
      dropsReferences('guess', 'the indicator refers to an observable instead of holding it'),
      // "Sources contain indicators, which contain observables."
      dropsTopLevel('believed'),
      dropsConstructs('believed'),
      dropsCompositeIndicators('guess'),
      dropsRelatedIndicators('guess'),
      dropsRelatedObjects('guess'),
      dropsEvents('guess'),
      dropsEmpty('believed'),
      dropsNetworks('documented', 'the value is a block of addresses'),
      takesHashes(['sha256'], 'believed', 'of file hashes the device takes SHA-256 alone'),
      takesTypes(
        ['ipv4', 'ipv6', 'domain', 'url', 'sha256'],
        'documented',
        'the value is neither a SHA-256, a domain, a URL nor an IP address',
      ),
      dropsLists('guess'),
      dropsDelimiters('guess'),
      dropsSeveral('guess'),
      dropsConditions('guess'),
      dropsUntypedHashes('guess'),
      dropsDefanged('believed'),
      // "An observable is invalid if it is improperly constructed"; of URLs those without scheme are in order.
      dropsMalformed('documented'),
      takesSchemes(/^https?:/, 'guess', 'the URL is neither of http nor of https'),
      dropsMismatches('believed'),
    ],
    ignores: [
      leavesConstructs('believed'),
      leavesTestMechanisms('believed'),
      leavesBareIndicators('believed'),
      discardsIndicators('documented'),
    ],
  }),
}
