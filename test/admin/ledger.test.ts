import { sql } from 'kysely'
import t, { type Test } from 'tap'
import type { LedgerEntry } from '../../src/admin/ledger-schema.ts'
import { findCollection, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { completePolls } from '../../src/store/polls.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { fixRange } from '../store/fix-range.ts'
import { type AdminApp, openAdminApp } from './admin-app.ts'

const binding = 'urn:stix.mitre.org:xml:1.2'

interface LedgerApp extends AdminApp {
  /** @returns the poll's id */
  poll(who: string, collection: string, at?: string): Promise<number>
}

/** ann reads "shared"; esa1 polls it, and esa2 "secret". */
async function open(t: Test, db: Db): Promise<LedgerApp> {
  for (const name of ['secret', 'shared']) await writeCollection(db, aCollection({ name }))
  const app = await openAdminApp(t, db)
  const ids = new Map<string, number>()
  for (const [name, role, grants] of [
    ['root', 'administrator', {}],
    ['ann', 'curator', { shared: 'read' }],
    ['rob', 'responder', {}],
    ['esa1', 'reader', { shared: 'read' }],
    ['esa2', 'reader', { secret: 'read' }],
    ['idle', 'reader', { shared: 'read' }],
  ] as const) {
    ids.set(name, (await app.addAccount(name, role, grants)).account.id)
  }
  return {
    ...app,
    async poll(who, collection, at) {
      const poller = { account: { id: ids.get(who) ?? 0 }, address: '::1', userAgent: 'ESA' }
      const { id = 0 } = (await findCollection(db, collection)) ?? {}
      const stream = { collectionId: id, binding } as const
      const { pollId } = await fixRange(db, poller, stream, { countsOnly: false })
      if (at)
        await sql`update polls set started_at = ${at}::timestamptz where id = ${pollId}`.execute(db)
      return pollId
    },
  }
}

const shown = ({ account, collection }: LedgerEntry) => `${account} ${collection}`

async function read(app: AdminApp, who: string, query = ''): Promise<string[]> {
  const { status, body } = await app.ask(who, `GET /api/v1/ledger${query}`)
  if (status !== 200) return [`${status} ${body.code}`]
  return body.polls.map(shown)
}

t.test('each sees the polls of what he may read, and administrators all', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    const poll = await app.poll('esa1', 'shared', '2026-06-01T10:00:00.123456Z')
    await app.poll('esa2', 'secret', '2026-06-01T11:00:00Z')
    t.strictSame(await read(app, 'root'), ['esa2 secret', 'esa1 shared'])
    t.strictSame(await read(app, 'ann'), ['esa1 shared'])
    t.strictSame(await read(app, 'rob'), [])
    t.strictSame(await read(app, 'esa1'), ['403 NOT_PERMITTED'])

    const [before] = (await app.ask('ann', 'GET /api/v1/ledger')).body.polls
    const { consideredEnd, ...rest } = before
    t.match(consideredEnd, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    t.strictSame(rest, {
      startedAt: '2026-06-01T10:00:00.123Z',
      account: 'esa1',
      address: '::1',
      client: 'ESA',
      collection: 'shared',
      binding,
      countsOnly: false,
      askedBegin: null,
      askedEnd: null,
      consideredBegin: null,
      resultId: null,
      part: null,
      blocks: null,
      bytes: null,
      durationMs: null,
      status: 'under way',
    })
    await completePolls(db, [
      {
        pollId: poll,
        status: 'complete',
        durationMs: 12,
        blocks: 3,
        bytes: 4567,
        sentThrough: undefined,
        leftThrough: undefined,
      },
    ])
    const [after] = (await app.ask('ann', 'GET /api/v1/ledger')).body.polls
    t.match(after, { status: 'complete', blocks: 3, bytes: 4567, durationMs: 12 })
  })
})

t.test('what is filtered by must be known to the one who asks', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    await app.poll('esa1', 'shared', '2026-06-01T10:00:00Z')
    await app.poll('esa2', 'secret', '2026-06-02T10:00:00Z')
    const rows: readonly [who: string, query: string, wanted: string[]][] = [
      ['root', '?account=esa2', ['esa2 secret']],
      ['root', '?account=idle', []],
      ['root', '?account=nobody', ['404 ACCOUNT_NOT_FOUND']],
      ['root', '?collection=secret', ['esa2 secret']],
      ['root', '?collection=nowhere', ['404 COLLECTION_NOT_FOUND']],
      ['root', '?account=esa1&collection=secret', []],
      ['root', '?since=2026-06-02T10:00:00Z', ['esa2 secret']],
      ['root', '?since=2026-06-02T12:00:00.001%2B02:00', []],
      ['ann', '?collection=shared', ['esa1 shared']],
      ['ann', '?collection=secret', ['404 COLLECTION_NOT_FOUND']],
      ['ann', '?collection=nowhere', ['404 COLLECTION_NOT_FOUND']],
      ['ann', '?account=esa1', ['esa1 shared']],
      ['ann', '?account=ann', []],
      // They are there; but neither has polled what she may read.
      ['ann', '?account=esa2', ['404 ACCOUNT_NOT_FOUND']],
      ['ann', '?account=idle', ['404 ACCOUNT_NOT_FOUND']],
      ['ann', '?account=nobody', ['404 ACCOUNT_NOT_FOUND']],
      ['root', '?account=%00', ['404 ACCOUNT_NOT_FOUND']],
      ['root', '?collection=%00', ['404 COLLECTION_NOT_FOUND']],
      ['root', `?account='%20or%20true--`, ['404 ACCOUNT_NOT_FOUND']],
      ['root', '?since=yesterday', ['400 VALIDATION_FAILED']],
      ['root', '?since=2025-12-31T23:59:60Z', ['400 VALIDATION_FAILED']],
      ['root', '?since=2026-06-01', ['400 VALIDATION_FAILED']],
      ['root', '?limit=0', ['400 VALIDATION_FAILED']],
      ['root', '?limit=501', ['400 VALIDATION_FAILED']],
      ['root', '?until=1', ['400 VALIDATION_FAILED']],
    ]
    for (const [who, query, wanted] of rows) {
      t.strictSame(await read(app, who, query), wanted, `${who} ${query}`)
    }
    const [secret, nowhere] = await Promise.all(
      ['secret', 'nowhere'].map((name) => app.ask('ann', `GET /api/v1/ledger?collection=${name}`)),
    )
    t.equal(secret?.body.detail.replace('secret', 'nowhere'), nowhere?.body.detail)
  })
})

t.test('the ledger comes page by page, each poll once, whatever is polled meanwhile', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    // Within one microsecond, and within one millisecond.
    const moments = ['10:00:00Z', '10:00:00Z', '10:00:00.000001Z', '10:00:00.000999Z', '10:00:01Z']
    const polled: number[] = []
    for (const moment of [...moments, ...moments]) {
      polled.push(await app.poll('esa1', 'shared', `2026-06-01T${moment}`))
    }
    const wanted = await db
      .selectFrom('polls')
      .select('id')
      .orderBy('started_at', 'desc')
      .orderBy('id', 'desc')
      .execute()
    await sql`update polls set user_agent = id::text`.execute(db)
    for (const limit of [1, 3, 10, 500]) {
      const seen: string[] = []
      let next: string | null = null
      do {
        const cursor: string = next === null ? '' : `&cursor=${next}`
        const { body } = await app.ask('ann', `GET /api/v1/ledger?limit=${limit}${cursor}`)
        t.ok(body.polls.length <= limit)
        seen.push(...body.polls.map(({ client }: LedgerEntry) => client))
        next = body.next
        await app.poll('esa1', 'shared')
      } while (next !== null)
      t.strictSame(
        seen.filter((client) => polled.includes(Number(client))),
        wanted.map(({ id }) => String(id)),
        `${limit} a page`,
      )
    }
  })
})

t.test('a cursor that was made up is refused, and one of another does not show more', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  for (let n = 0; n < 3; n += 1) await app.poll('esa2', 'secret')
  const forge = (...key: unknown[]) => Buffer.from(JSON.stringify(key)).toString('base64url')
  for (const cursor of [
    'x',
    forge('accounts', 'a'),
    forge('ledger', 'a', 1),
    forge('ledger', 1.5, 1),
    forge('ledger', -1, 1),
    forge('ledger', 1e300, 1),
    forge('ledger', 1),
    forge('ledger', { $gt: 1 }, 1),
  ]) {
    t.match(await app.ask('root', `GET /api/v1/ledger?cursor=${cursor}`), {
      status: 400,
      body: { errors: [{ place: 'cursor' }] },
    })
  }
  const far = forge('ledger', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  t.strictSame((await read(app, 'root', `?cursor=${far}`)).length, 3)
  const { body } = await app.ask('root', 'GET /api/v1/ledger?limit=1')
  t.strictSame(await read(app, 'ann', `?cursor=${body.next}`), [])
})

t.test('the oldest page of a long ledger is found by its index', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  await sql`
    insert into polls (account_id, collection_id, binding, address, user_agent, counts_only,
      end_label, as_of, started_at)
    select 1, 1, 1, '', '', false, n, 0, timestamptz '2026-01-01' + n * interval '1 second'
    from generate_series(1, 20000) as n`.execute(db)
  await sql`analyze polls`.execute(db)
  const { rows } = await sql<Record<string, string>>`
    explain select * from polls p
    where (p.started_at, p.id) < (timestamptz '2026-01-01 00:10:00', 5)
    order by p.started_at desc, p.id desc limit 100`.execute(db)
  const plan = rows.map((row) => Object.values(row).join()).join('\n')
  t.match(plan, /Index Scan Backward using polls_started/)
})
