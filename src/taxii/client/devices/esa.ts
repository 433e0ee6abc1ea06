import type { Device } from '../device.ts'
import {
  needsBinding,
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
  dropsCompositions,
  dropsConstructs,
  dropsEmpty,
  dropsEvents,
  dropsReferences,
  dropsRelatedIndicators,
  dropsRelatedObjects,
  dropsTopLevel,
} from './place-rules.ts'
import { leavesBareIndicators, leavesConstructs, leavesTestMechanisms } from './rest-rules.ts'
import { readBy } from './rules.ts'
import {
  dropsBareUrls,
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
  takesTypes,
} from './value-rules.ts'

const hashes = ['md5', 'sha1', 'sha256'] as const

/**
 * Cisco Secure Email Gateway, External Threat Feeds. Its guides name the STIX versions (14.0.1, 15.5.1, 16.0)
 * and four families of indicators (15.5.1), and nothing of how a package must look: there every rule is a
 * guess on the careful side.
 */
export const esa: Device = {
  name: 'esa',
  title: 'Cisco Secure Email Gateway',
  basis:
    'the versions of STIX and the four families are from Cisco’s guides; the rest is careful guessing, tried on no appliance',
  // Cisco's how-to 223085: the administrator types the polling path and the collection, nothing is discovered.
  discovers: false,
  // Believed: cabby asks for none.
  binding: undefined,
  // All at once as far as the device goes; the poller's segments are the administrator's setting.
  windowDays: undefined,
  // The alert after the third attempt is quoted in MISP's issue 5983.
  attempts: 3,
  // The same text names Python's requests; whether the appliance sends its default name is a guess.
  userAgent: 'python-requests/2.31.0',
  read: readBy({
    chokes: [
      // Believed, because the client is cabby or a fork of it.
      needsBinding('believed'),
      needsContent('believed'),
      needsZonedLabel('believed'),
      readsFirstRoot('believed'),
      takesBindings(
        ['urn:stix.mitre.org:xml:1.1.1', 'urn:stix.mitre.org:xml:1.2'],
        'believed',
        'the content is announced as neither STIX 1.1.1 nor STIX 1.2',
      ),
      needsPackage('believed'),
      // "STIX 1.1.1 and 1.2 with TAXII 1.1": Cisco's guides to AsyncOS 14.0.1, 15.5.1 and 16.0.
      takesVersions(
        ['1.1.1', '1.2'],
        'documented',
        'the STIX_Package is of a version that the device does not support',
      ),
      needsBindingOfVersion('guess'),
    ],
    drops: [
      dropsReferences('guess', 'the indicator refers to an observable instead of holding it'),
      dropsTopLevel('guess'),
      dropsConstructs('guess'),
      dropsCompositeIndicators('guess'),
      dropsRelatedIndicators('guess'),
      dropsCompositions('guess'),
      dropsRelatedObjects('guess'),
      dropsEvents('guess'),
      dropsEmpty('guess'),
      dropsNetworks('guess', 'the value is a block of addresses'),
      takesHashes(hashes, 'guess', 'the hash is of another kind than MD5, SHA-1 and SHA-256'),
      // The guide to AsyncOS 15.5.1: File Hash, IP, Domain and URL Watchlists.
      takesTypes(
        ['ipv4', 'ipv6', 'domain', 'url', ...hashes],
        'documented',
        'the value is of none of the four families: file hashes, IP addresses, domains, URLs',
      ),
      dropsLists('guess'),
      dropsDelimiters('guess'),
      dropsSeveral('guess'),
      dropsConditions('guess'),
      dropsUntypedHashes('guess'),
      dropsDefanged('guess'),
      dropsMalformed('guess'),
      dropsBareUrls('guess'),
      dropsMismatches('guess'),
    ],
    ignores: [
      leavesConstructs('believed'),
      leavesTestMechanisms('believed'),
      leavesBareIndicators('believed'),
    ],
  }),
}
