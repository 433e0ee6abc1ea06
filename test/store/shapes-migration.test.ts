import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import t from 'tap'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { findAccount, readGrants } from '../../src/store/accounts.ts'
import { readCollections } from '../../src/store/collections.ts'
import { type Db, openStore } from '../../src/store/db.ts'
import { readBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { migrate } from '../../src/store/migrate.ts'
import * as foundation from '../../src/store/migrations/0001-foundation.ts'
import * as lawOfTheFeed from '../../src/store/migrations/0002-law-of-the-feed.ts'
import * as leases from '../../src/store/migrations/0003-leases.ts'
import * as judging from '../../src/store/migrations/0004-judging.ts'
import { createHeadReader } from '../../src/store/packages.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { findFaults, readLiveChunks, readLiveValues } from '../helpers/sound-feed.ts'
import { aCollection, createTestIntake, reportOn, start } from '../intake/reports.ts'

const before = {
  '0001-foundation': foundation,
  '0002-law-of-the-feed': lawOfTheFeed,
  '0003-leases': leases,
  '0004-judging': judging,
}
const hosts = ['a', 'b', 'c'].map((name) => `${name}.taxiway-demo.com`)

/** A feed as the version before left it: three indicators published, of which the second was withdrawn. */
async function fill(db: Db): Promise<void> {
  await sql`insert into sources (name) values ('otx')`.execute(db)
  await sql`
    insert into reports (source_id, external_id, name, description, author, tlp, public, revision, created,
      modified, tags, tag_keys, refs, details, version)
    values (1, 'r1', 'Loaders', '', 'Ana', 0, true, '1', now(), now(), '{}', '{}', '{}',
      '{"adversary": "", "targetedCountries": [], "industries": [], "malwareFamilies": [], "attackIds": []}', 1)`.execute(
    db,
  )
  await sql`
    insert into indicators (type, value, key)
    select 'domain', v, substring(sha256(convert_to('domain', 'UTF8') || '\\x00'::bytea || convert_to(v, 'UTF8'))
      from 1 for 16) from unnest(${hosts}::text[]) v`.execute(db)
  await sql`
    insert into assertions (indicator_id, source_id, report_id, report_version, title, description, role,
      tlp, confidence, asserted_confidence, valid_from, active, suppressed)
    select id, 1, 1, 1, '', '', '', 0, 50, 50, ${start}, true, id = 2 from indicators`.execute(db)
  await sql`
    insert into suppressions (assertion_id, reason, rule, detail, since) values (2, 'inactive', 'x', 'y', now())`.execute(
    db,
  )
  await sql`
    insert into collections (name, description, rule, max_tlp, bindings, profile, packaging,
      reconciled_version)
    select name, '', '{"all": []}', 0, '{1}', profile, 'indicator', 1
    from (values ('all', 'esa'), ('more', 'full')) x (name, profile)`.execute(db)
  await sql`insert into package_heads (head) values ('<package ')`.execute(db)
  await sql`
    insert into packages (id, head_id, tail) select id, 1, '>' || value from indicators`.execute(db)
  await sql`
    insert into blocks (publication_id, ordinal, collection_id, binding, indicator_id, package_id, digest)
    select c.id, i.id - 1, c.id, 1, i.id, i.id, '\\x00' from indicators i, collections c`.execute(
    db,
  )
  await sql`select taxiway_publish('{1, 2}', '{1, 2}', '{1, 1}', '{3, 3}')`.execute(db)
  await sql`select setval('publications_id_seq', 10)`.execute(db)
  await sql`select setval('packages_id_seq', 10)`.execute(db)
  await sql`
    insert into withdrawals (indicator_id, collection_id, binding, through_publication, withdrawn_at)
    values (2, 0, 0, 2, now())`.execute(db)
  await sql`update publications set live_count = 2`.execute(db)
  await sql`
    insert into accounts (name, password_hash, role)
    values ('esa1', 'scrypt$…', 'reader'), ('admin', 'scrypt$…', 'administrator')`.execute(db)
  await sql`insert into grants values (1, 1, true, false)`.execute(db)
}

async function readContents(db: Db): Promise<readonly string[]> {
  const [collection] = await readCollections(db)
  const { safe: end, asOf } = await readSafeLabel(db, collection?.id ?? 0)
  const stream = {
    collectionId: collection?.id ?? 0,
    binding: 'urn:stix.mitre.org:xml:1.2',
    asOf,
  } as const
  const contents: string[] = []
  for await (const batch of readBlocks(db, createHeadReader(db), stream, {
    begin: undefined,
    end,
  })) {
    for (const { content } of batch) contents.push(content)
  }
  return contents
}

t.test('a store of the version before comes up as it was', async (t) => {
  const { url: databaseUrl } = await createTestDatabase(t)
  const store = await openStore({ databaseUrl, dataDir: '' })
  t.teardown(() => store.close())
  const { db } = store
  const migrator = new Migrator({ db, provider: { getMigrations: async () => before } })
  const { error } = await migrator.migrateToLatest()
  t.equal(error, undefined)
  await fill(db)
  t.same(await migrate(db), [
    '0005-shapes',
    '0006-accounts',
    '0007-inbox',
    '0008-inbox-retention',
    '0009-polls-together',
  ])
  t.match(await findAccount(db, 'esa1'), {
    account: { id: 1, name: 'esa1', role: 'reader' },
    passwordHash: 'scrypt$…',
    disabled: false,
  })
  t.same([...(await readGrants(db, 1))], [[1, { read: true, write: false }]])
  t.same(await readContents(db), [`<package >${hosts[0]}`, `<package >${hosts[2]}`])
  t.same(await findFaults(db), {})

  const intake = createTestIntake(t, db)
  await reconcileCollections(intake)
  t.same(
    (await readContents(db)).length,
    2,
    'what has not changed its settings is not published again',
  )
  t.same(await readLiveValues(db, 'more'), [hosts[0], hosts[2]])
  await intake.settle(aCollection({ name: 'all', packaging: 'report' }))
  t.same(
    (await readLiveChunks(db, 'all')).map(({ values }) => values),
    [[hosts[0], hosts[2]]],
  )
  t.same(await readLiveValues(db, 'all'), [])
  await intake.take([reportOn(['d.taxiway-demo.com'], { externalId: 'r2' })])
  t.same(await findFaults(db), {})
})
