import type { Device } from '../device.ts'
import {
  needsBinding,
  needsContent,
  needsPackage,
  needsZonedLabel,
  readsFirstRoot,
  takesBindings,
  takesVersions,
} from './block-rules.ts'
import {
  needsIpAddress,
  takesLinksToUrls,
  takesObjects,
  takesOneOfFile,
  takesSenders,
} from './minemeld-objects.ts'
import {
  advancesByTimestamp,
  dropsUnreferred,
  keepsLastOfId,
  needsDates,
  needsKnownObjects,
  needsTypedProperties,
  resolvesTopLevel,
  takesReferencesInOr,
} from './minemeld-rules.ts'
import {
  dropsCompositeIndicators,
  dropsConstructs,
  dropsEvents,
  dropsRelatedIndicators,
  dropsRelatedObjects,
} from './place-rules.ts'
import { leavesBareIndicators, leavesConstructs, leavesTestMechanisms } from './rest-rules.ts'
import { readBy } from './rules.ts'

/** Palo Alto Networks MineMeld, class TaxiiClient of minemeld-core, minemeld/ft/taxii.py. */
export const minemeld: Device = {
  name: 'minemeld',
  title: 'Palo Alto Networks MineMeld',
  basis: 'read in the source of minemeld-core, libtaxii and python-stix',
  // _build_iterator: discovery, then Collection_Information, then polls.
  discovers: true,
  // _poll_collection names none, and blocks of another than 1.1.1 are skipped: a server whose first binding
  // is 1.2 gives MineMeld nothing.
  binding: undefined,
  // max_poll_dt: 86,400 seconds
  windowDays: 1,
  // minemeld/ft/basepoller.py: num_retries, which counts the first attempt too
  attempts: 2,
  // libtaxii/clients.py
  userAgent: 'libtaxii.httpclient',
  read: readBy({
    chokes: [
      // The first three: libtaxii, as with cabby.
      needsBinding('documented'),
      needsContent('documented'),
      needsZonedLabel('documented'),
      takesBindings(
        ['urn:stix.mitre.org:xml:1.1.1'],
        'documented',
        'the content is not announced as STIX 1.1.1, so the client skips it; it names no binding when it asks, so 1.1.1 must be the collection’s first',
      ),
      readsFirstRoot('documented'),
      needsPackage('documented'),
      // python-stix 1.2.0, stix/utils/parser.py
      takesVersions(
        ['1.1.1', '1.2'],
        'documented',
        'the STIX_Package is of a version that python-stix does not parse',
      ),
      needsTypedProperties,
      needsKnownObjects,
      needsDates,
    ],
    drops: [
      dropsConstructs('documented'),
      dropsCompositeIndicators('documented'),
      dropsRelatedIndicators('documented'),
      dropsRelatedObjects('documented'),
      dropsEvents('documented'),
      keepsLastOfId,
      dropsUnreferred,
      takesReferencesInOr,
      resolvesTopLevel,
      takesObjects,
      needsIpAddress,
      takesLinksToUrls,
      takesSenders,
      takesOneOfFile,
    ],
    ignores: [
      // Of a TTP the client keeps the description beside the indicator.
      leavesConstructs('documented', ['TTP']),
      leavesTestMechanisms('documented'),
      leavesBareIndicators('documented'),
      advancesByTimestamp,
    ],
  }),
}
