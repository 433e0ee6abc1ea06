import type { Test } from 'tap'
import type { AdminParts } from '../../src/admin/parts.ts'
import { writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { aCollection } from '../intake/reports.ts'
import { type AdminApp, openAdminApp } from './admin-app.ts'

export interface CollectionsApp extends AdminApp {
  /** how often the feeds were told to follow */
  followed(): number
}

/**
 * Three collections and who may do what: root is an administrator; ann, a curator, writes "theirs", reads
 * "shared" and knows nothing of "secret"; esa1, a reader, reads "shared"; rob, a responder, writes "theirs".
 */
export async function openCollections(
  t: Test,
  db: Db,
  change: Partial<AdminParts> = {},
): Promise<CollectionsApp> {
  for (const name of ['secret', 'shared', 'theirs']) {
    await writeCollection(db, aCollection({ name, maxTlp: 'green' }))
  }
  let followed = 0
  const followCollections = () => {
    followed += 1
  }
  const app = await openAdminApp(t, db, { followCollections, ...change })
  await app.addAccount('root', 'administrator')
  await app.addAccount('ann', 'curator', { theirs: 'write', shared: 'read' })
  await app.addAccount('esa1', 'reader', { shared: 'read' })
  await app.addAccount('rob', 'responder', { theirs: 'write' })
  return { ...app, followed: () => followed }
}

/** Of each of the three, in JSON and without its name. */
export const inJson = {
  description: 'Everything.',
  rule: { all: [] },
  maxTlp: 'green',
  type: 'data-feed',
  inbox: false,
  nonPublic: false,
  bindings: ['urn:stix.mitre.org:xml:1.2'],
  profile: 'full',
  packaging: 'indicator',
  cidr: 'omit',
  refreshDays: 0,
}

export const aBody = (change: object = {}) => ({ ...inJson, ...change })
