import type { StixPackage } from '../../../stix/read-package.ts'
import type { Device } from '../device.ts'
import type { ReadObservable } from '../reading.ts'
import { needsBinding, needsContent, needsZonedLabel } from './block-rules.ts'
import { readBy } from './rules.ts'

/** YARA rules and the like stand in Test_Mechanisms, CVEs in Exploit_Targets. */
function listRulesAndVulnerabilities(stixPackage: StixPackage): readonly ReadObservable[] {
  const rules = stixPackage.indicators.flatMap(({ testMechanisms }) =>
    testMechanisms.map(({ type, rule = '' }) => ({
      type: type === 'YaraTestMechanismType' ? 'yara' : (type ?? 'Test_Mechanism'),
      value: rule,
      dropped: undefined,
    })),
  )
  const vulnerabilities = stixPackage.constructs.flatMap(({ cves }) =>
    cves.map((value) => ({ type: 'cve', value, dropped: undefined })),
  )
  return [...rules, ...vulnerabilities]
}

/**
 * EclecticIQ's cabby. It prints what is in each Content and looks at none of it; what it fails on, it fails on
 * in libtaxii (eclecticiq/cabby, cabby/dispatcher.py and cabby/client11.py; TAXIIProject/libtaxii,
 * libtaxii/messages_11.py, class ContentBlock).
 */
export const cabby: Device = {
  name: 'cabby',
  title: 'cabby',
  basis: 'read in the source of cabby 0.1.23 and libtaxii 1.1.119',
  // With a path given it sends its request at once; without one it asks for the services first.
  discovers: false,
  binding: undefined,
  windowDays: undefined,
  attempts: 1,
  // cabby/dispatcher.py, get_generic_session
  userAgent: 'Cabby 0.1.23',
  read: readBy({
    chokes: [
      // messages_11.py: Content_Binding is required.
      needsBinding('documented'),
      // Content without text is None there, which is refused.
      needsContent('documented'),
      // validation.py, check_timestamp_label
      needsZonedLabel('documented'),
    ],
    drops: [],
    ignores: [],
    keeps: listRulesAndVulnerabilities,
  }),
}
