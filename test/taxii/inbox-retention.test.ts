import t from 'tap'
import type { Db } from '../../src/store/db.ts'
import { pruneInbox } from '../../src/store/inbox-retention.ts'
import { forEachStore } from '../helpers/stores.ts'
import { dayAfterStart } from '../intake/reports.ts'
import {
  block,
  inboxMessage,
  packageOn,
  startInboxServer,
  statusOf,
  stixPackage,
} from './inbox-server.ts'

const one = 'one.harbour-loaders.com'
const two = 'two.harbour-loaders.com'
const empty = block(stixPackage('', 'id="ex:empty"'))

function readRows(db: Db) {
  return db
    .selectFrom('inbox_blocks')
    .select(['package_id', 'outcome', 'message_id', 'received_at'])
    .orderBy('id')
    .execute()
}

t.test('what is on record of a block goes when it came last long ago', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const server = await startInboxServer(t, db)
    const { intake } = server
    const send = async (blocks: string, id?: string) => {
      const answer = await server.send(inboxMessage(blocks, ['in'], id))
      t.equal(statusOf(answer), 'SUCCESS', answer.body)
      return answer.body
    }
    const prune = () => pruneInbox(db, 90, intake.now)
    await send(block(packageOn([one])) + empty, 'm-1')

    intake.now = dayAfterStart(0.5)
    await send(block(packageOn([one])), 'm-2')
    t.strictSame(
      (await readRows(db)).map((row) => [row.message_id, row.received_at]),
      [
        ['m-1', dayAfterStart(0)],
        ['m-1', dayAfterStart(0)],
      ],
      'the same within a day costs no write',
    )
    intake.now = dayAfterStart(60)
    t.match(await send(block(packageOn([one])), 'm-3'), /1 of them known already/)
    intake.now = dayAfterStart(90)
    t.equal(await prune(), 0, 'not before its days are over')
    intake.now = dayAfterStart(91)
    t.equal(await prune(), 1)
    t.match(await readRows(db), [
      { package_id: 'ex:package-1', message_id: 'm-3', received_at: dayAfterStart(60) },
    ])
    intake.now = dayAfterStart(151)
    t.equal(await prune(), 1)
    t.strictSame(await readRows(db), [])
    t.strictSame(await server.poll('in'), [one], 'what is published stays')

    t.match(await send(block(packageOn([one])) + empty), /1 of them known already/)
    t.match(
      await readRows(db),
      [
        { package_id: 'ex:package-1', outcome: 'taken-in' },
        { package_id: 'ex:empty', outcome: 'not-understood' },
      ],
      'what comes again is on record again',
    )
  })
})

t.test('a revision that is on record no more does not come back over a newer one', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const server = await startInboxServer(t, db)
    const dated = (moment: string) => `id="ex:package-1" timestamp="${moment}"`
    const older = block(packageOn([one], dated('2026-05-01T00:00:00Z')))
    const newer = block(packageOn([two], dated('2026-05-02T00:00:00Z')))
    for (const each of [older, newer]) await server.send(inboxMessage(each))
    server.intake.now = dayAfterStart(100)
    t.equal(await pruneInbox(db, 90, server.intake.now), 2)

    t.equal(statusOf(await server.send(inboxMessage(older))), 'SUCCESS')
    t.strictSame(await server.poll('in'), [two])
    t.match(await readRows(db), [{ outcome: 'outdated' }])
  })
})

t.test('more than one statement deletes at once goes too', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const server = await startInboxServer(t, db)
    const { id } = await server.addAccount('sensor')
    const rows = Array.from({ length: 2_500 }, (_, n) => ({
      account_id: id,
      digest: Buffer.from(`digest ${n}`),
      message_id: 'm',
      content_binding: 'urn:stix.mitre.org:xml:1.2',
      bytes: 1,
      sent_to: ['in'],
      received_at: dayAfterStart(n < 2_400 ? 0 : 50),
      outcome: 'not-understood' as const,
      detail: '',
      package_id: null,
      observables: 0,
      not_understood: 0,
      content: null,
    }))
    await db.insertInto('inbox_blocks').values(rows).execute()
    t.equal(await pruneInbox(db, 90, dayAfterStart(100)), 2_400)
    t.equal((await readRows(db)).length, 100)
  })
})
