import { gzipSync } from 'node:zlib'
import t from 'tap'
import { writeCollection } from '../../src/store/collections.ts'
import { type InboxBlockRow, writeInboxBlocks } from '../../src/store/inbox.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { openAdminApp } from './admin-app.ts'

t.test('each sees what he sent and what was sent to what he may read', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    for (const name of ['shared', 'secret']) {
      await writeCollection(db, aCollection({ name, inbox: true }))
    }
    const app = await openAdminApp(t, db)
    await app.addAccount('root', 'administrator')
    const ann = (await app.addAccount('ann', 'curator', { shared: 'read' })).account
    const sensor = (await app.addAccount('sensor', 'responder', { secret: 'write' })).account
    const row = (change: Partial<InboxBlockRow>): InboxBlockRow => ({
      accountId: sensor.id,
      digest: Buffer.alloc(32, change.messageId),
      messageId: 'm1',
      contentBinding: 'urn:stix.mitre.org:xml:1.2',
      bytes: 1_000,
      sentTo: ['secret'],
      outcome: 'taken-in',
      detail: '',
      packageId: 'ex:package-1',
      observables: 1,
      notUnderstood: 0,
      content: undefined,
      ...change,
    })
    const content = gzipSync('<stix:STIX_Package xmlns:stix="x">ä</stix:STIX_Package>')
    await writeInboxBlocks(
      db,
      [
        row({ messageId: 'm1' }),
        row({ messageId: 'm2', sentTo: ['secret', 'shared'], outcome: 'not-understood', content }),
        row({ messageId: 'm3', accountId: ann.id, sentTo: ['shared'], content }),
      ],
      new Date('2026-06-01T00:00:00Z'),
    )
    const list = async (who: string, query = '') => {
      const { status, body } = await app.ask(who, `GET /api/v1/inbox${query}`)
      t.equal(status, 200)
      return body.blocks.map(
        (one: { messageId: string; sentTo: string[] }) => `${one.messageId} ${one.sentTo.join()}`,
      )
    }
    t.strictSame(await list('root'), ['m3 shared', 'm2 secret,shared', 'm1 secret'])
    t.strictSame(await list('ann'), ['m3 shared', 'm2 shared'], 'nothing of what is secret')
    t.strictSame(await list('sensor'), ['m2 secret,shared', 'm1 secret'])
    t.strictSame(await list('root', '?outcome=not-understood'), ['m2 secret,shared'])
    t.strictSame(await list('root', '?account=ann'), ['m3 shared'])
    t.strictSame(await list('root', '?collection=secret&since=2026-06-01T00:00:00Z'), [
      'm2 secret,shared',
      'm1 secret',
    ])
    t.strictSame(await list('root', '?since=2026-06-02T00:00:00Z'), [])
    t.strictSame(await list('ann', '?collection=secret'), [], 'where else it was sent')
    t.strictSame(await list('sensor', '?collection=secret&account=sensor'), [
      'm2 secret,shared',
      'm1 secret',
    ])
    t.match(await app.ask('root', 'GET /api/v1/inbox?account=senzor'), {
      status: 404,
      body: { code: 'ACCOUNT_NOT_FOUND' },
    })
    t.match(await app.ask('root', 'GET /api/v1/inbox?collection=shard'), {
      status: 404,
      body: { code: 'COLLECTION_NOT_FOUND' },
    })
    t.strictSame(await list('ann', '?account=senzor'), [])
    const first = await app.ask('root', 'GET /api/v1/inbox?limit=2')
    t.strictSame(await list('root', `?cursor=${first.body.next}`), ['m1 secret'])

    const ids = new Map<string, number>(
      (await app.ask('root', 'GET /api/v1/inbox')).body.blocks.map(
        (one: { messageId: string; id: number }) => [one.messageId, one.id] as const,
      ),
    )
    const one = await app.ask('sensor', `GET /api/v1/inbox/${ids.get('m2')}`)
    t.match(one, { status: 200, body: { outcome: 'not-understood', isKept: true } })
    const missing = { status: 404, body: { code: 'INBOX_BLOCK_NOT_FOUND' } }
    t.match(await app.ask('ann', `GET /api/v1/inbox/${ids.get('m1')}`), missing)
    t.match(await app.ask('root', `GET /api/v1/inbox/${ids.get('m1')}/content`), missing)
    t.match(
      await app.ask('ann', `GET /api/v1/inbox/${ids.get('m2')}/content`),
      missing,
      'what was sent by another, and is published nowhere, is not for readers',
    )
    const kept = await app.ask('root', `GET /api/v1/inbox/${ids.get('m2')}/content`)
    t.match(kept.headers, {
      'content-type': 'application/xml; charset=utf-8',
      'content-disposition': /^attachment/,
    })
    t.equal(kept.status, 200)
  })
})
