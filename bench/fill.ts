import { applyCollections } from '../src/intake/apply-collections.ts'
import type { Intake } from '../src/intake/intake.ts'
import { createReadJudging } from '../src/intake/judging.ts'
import { reconcileCollections } from '../src/intake/reconcile.ts'
import { takeIn } from '../src/intake/take-in.ts'
import type { CollectionSettings } from '../src/model/collection.ts'
import { isRejection, pulseToReport } from '../src/sources/otx/pulse.ts'
import { defaultIdNamespace } from '../src/stix/ids.ts'
import type { Db } from '../src/store/db.ts'
import { migrate } from '../src/store/migrate.ts'
import { getSourceId } from '../src/store/sources.ts'
import { syntheticPulses } from './synthetic.ts'

export function benchCollection(change: Partial<CollectionSettings> = {}): CollectionSettings {
  return {
    name: 'bench',
    description: 'bench',
    rule: { all: [] },
    maxTlp: 'green',
    type: 'data-feed',
    inbox: false,
    nonPublic: false,
    bindings: ['urn:stix.mitre.org:xml:1.2'],
    profile: 'esa',
    packaging: 'indicator',
    cidr: 'omit',
    pageSize: undefined,
    refreshDays: undefined,
    ...change,
  }
}

/** Makes the collections in an empty database, the way `taxiway apply` does. */
export async function makeFeeds(
  db: Db,
  collections: readonly CollectionSettings[],
): Promise<Intake> {
  await migrate(db)
  await applyCollections(db, collections)
  const intake = {
    db,
    producer: { name: 'Taxiway', idNamespace: defaultIdNamespace },
    readJudging: createReadJudging(),
    clock: () => new Date(),
  }
  await reconcileCollections(intake)
  return intake
}

/** Takes in pulses of 500 indicators each, all different. */
export async function fill(intake: Intake, indicators: number): Promise<void> {
  const sourceId = await getSourceId(intake.db, 'otx')
  const options = { pulses: indicators / 500, indicatorsPerPulse: 500, duplicates: 0 }
  for (const pulse of syntheticPulses(options)) {
    const report = pulseToReport(pulse, { defaultTlp: 'white', confidence: 25, now: new Date() })
    if (isRejection(report)) throw new Error(report.detail)
    await takeIn(intake, { sourceId, reports: [report], rejections: [] })
  }
}
