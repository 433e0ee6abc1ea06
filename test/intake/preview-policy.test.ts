import { sql } from 'kysely'
import t from 'tap'
import type { PolicySettings } from '../../src/curation/policy.ts'
import { applyPolicy } from '../../src/intake/apply-policy.ts'
import { addOverride } from '../../src/intake/override.ts'
import { previewPolicy } from '../../src/intake/preview-policy.ts'
import { rejudge } from '../../src/intake/rejudge.ts'
import { readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, anAssertion, createTestIntake, dayAfterStart, reportOn } from './reports.ts'

const host = (name: string) => `${name}.taxiway-demo.com`
const on = (name: string, days: number) =>
  anAssertion(host(name), { validFrom: dayAfterStart(-days) })

t.test('a preview tells what applying then does, and writes nothing', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([
      reportOn([on('young', 1), on('shared', 50), on('lifted', 100), on('old', 100)]),
      reportOn([on('shared', 2)], { externalId: 'r2' }),
      reportOn([on('mid', 50), anAssertion(host('inner'), { tlp: 'red' })], { externalId: 'r3' }),
    ])
    const { rows } = await sql<{ id: number }>`
      select id from indicators where value = ${host('lifted')}`.execute(db)
    await addOverride(intake, {
      indicatorIds: rows.map(({ id }) => id),
      reason: 'aged',
      rule: undefined,
      because: 'still seen',
      by: 'alice',
      expiresAt: dayAfterStart(30),
    })
    await rejudge(intake)
    t.same(await readLiveValues(db, 'all'), [
      host('lifted'),
      host('mid'),
      host('shared'),
      host('young'),
    ])
    const policies: readonly PolicySettings[] = [
      {},
      { ageDays: { domain: 30 } },
      { ageDays: { domain: 0 } },
      { ownDomains: [host('lifted'), host('young')] },
      { heldBackTypes: ['domain'], ageDays: { domain: 10 } },
    ]
    const expected = [
      { keptOut: 0, back: 0, otherwise: 0, reasons: [] },
      // What the override lifts stays lifted, and the assertion that is left of the shared one has another end.
      { keptOut: 1, back: 0, otherwise: 3, reasons: [{ reason: 'aged', indicators: 1 }] },
      { keptOut: 0, back: 1, otherwise: 4, reasons: [] },
      { keptOut: 2, back: 0, otherwise: 0, reasons: [{ reason: 'own-network', indicators: 2 }] },
      {
        keptOut: 4,
        back: 0,
        otherwise: 0,
        reasons: [
          { reason: 'held-back-type', indicators: 4 },
          { reason: 'aged', indicators: 2 },
        ],
      },
    ]
    for (const [index, policy] of policies.entries()) {
      const before = await readLiveBlocks(db)
      const found = await previewPolicy(intake, policy)
      t.same(found, { indicators: 6, ...expected[index] }, `policy ${index}`)
      t.same(await readLiveBlocks(db), before)

      await applyPolicy(intake, policy)
      await rejudge(intake)
      const after = new Set((await readLiveBlocks(db)).map(({ value }) => value))
      const values = new Set(before.map(({ value }) => value))
      t.equal([...values].filter((value) => !after.has(value)).length, found.keptOut)
      t.equal([...after].filter((value) => !values.has(value)).length, found.back)
      await applyPolicy(intake, {})
      await rejudge(intake)
    }
  })
})
