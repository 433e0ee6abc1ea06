import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { readWalkCursor } from '../../src/ingest/walk-cursor.ts'
import { accountSource } from '../../src/model/selection.ts'
import { untried } from '../../src/model/source-state.ts'
import { lockIntake } from '../../src/store/blocks.ts'
import type { Db } from '../../src/store/db.ts'
import { acquireLease } from '../../src/store/leases.ts'
import { writeSourceState } from '../../src/store/source-state.ts'
import { getSourceId, saveCursor } from '../../src/store/sources.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { createTestIntake, dayAfterStart, reportOn, start } from '../intake/reports.ts'
import { type AdminApp, openAdminApp } from './admin-app.ts'

async function open(t: Test, db: Db): Promise<AdminApp> {
  const app = await openAdminApp(t, db)
  await app.addAccount('root', 'administrator')
  await app.addAccount('ann', 'curator')
  await app.addAccount('esa1', 'reader')
  return app
}

const untriedJson = {
  name: 'otx',
  status: 'never walked',
  problems: [],
  degradedSince: null,
  lastWholeWalkAt: null,
  lastTriedAt: null,
  nextTryAt: null,
  watermark: null,
  walk: null,
  unfinishedReports: 0,
  walker: null,
}

t.test('administrators and curators are told of all sources', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  const empty = await app.ask('root', 'GET /api/v1/sources')
  t.equal(empty.status, 200)
  t.strictSame(empty.body, { sources: [], next: null })
  const id = await getSourceId(db, 'otx')
  await getSourceId(db, 'inbox')
  t.strictSame((await app.ask('ann', 'GET /api/v1/sources')).body, {
    sources: [{ ...untriedJson, name: 'inbox' }, untriedJson],
    next: null,
  })
  await saveCursor(db, id, { walk: { offset: 32, count: 40 }, watermark: '2026-06-01T00:00:00Z' })
  await writeSourceState(db, id, 1, {
    ...untried,
    problems: [{ code: 'OTX_KEY_REFUSED', message: 'OTX refused', at: dayAfterStart(2) }],
    degradedSince: dayAfterStart(1),
    lastTriedAt: dayAfterStart(2),
    nextTryAt: dayAfterStart(3),
    walk: { since: dayAfterStart(2), underWay: false },
  })
  const [, otx] = (await app.ask('root', 'GET /api/v1/sources')).body.sources
  const wanted = {
    ...untriedJson,
    status: 'degraded',
    degradedSince: '2026-06-02T00:00:00.000Z',
    lastTriedAt: '2026-06-03T00:00:00.000Z',
    nextTryAt: '2026-06-04T00:00:00.000Z',
    watermark: '2026-06-01T00:00:00.000Z',
    walk: { since: '2026-06-03T00:00:00.000Z', underWay: false, passed: 32, total: 40 },
  }
  t.match(otx, {
    ...wanted,
    problems: [
      {
        code: 'OTX_KEY_REFUSED',
        message: 'OTX refused',
        advice: /TAXIWAY_OTX_API_KEY/,
        lastMetAt: '2026-06-03T00:00:00.000Z',
      },
    ],
  })

  const intake = createTestIntake(t, db)
  await intake.take([reportOn(['a.com', 'b.com'], { author: 'ann' })])
  const one = await app.ask('root', 'GET /api/v1/sources/otx')
  t.equal(one.status, 200)
  t.match(one.body, {
    ...wanted,
    counts: {
      reports: 1,
      goneReports: 0,
      assertions: 2,
      survivingAssertions: 2,
      rejections: 0,
    },
    authors: [{ author: 'ann', reports: 1 }],
  })
})

t.test('readers are told nothing of sources, and curators have none walked again', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  await getSourceId(db, 'otx')
  const may = ['root GET', 'root POST', 'ann GET']
  for (const who of ['root', 'ann', 'esa1']) {
    for (const request of [
      'GET /api/v1/sources',
      'GET /api/v1/sources/otx',
      'POST /api/v1/sources/otx/resync',
    ]) {
      const [method] = request.split(' ')
      const body = method === 'POST' ? { since: '2020-01-01T00:00:00Z' } : undefined
      const { status, body: answer } = await app.ask(who, request, { body })
      if (may.includes(`${who} ${method}`)) t.ok(status < 300, `${who} ${request}`)
      else t.match(answer, { status: 403, code: 'NOT_PERMITTED' }, `${who} ${request}`)
    }
  }
})

t.test('what an account sends is a source that nobody walks', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  await getSourceId(db, accountSource('sensor'))
  const sources = (await app.ask('root', 'GET /api/v1/sources')).body.sources
  t.match(sources, [{ name: 'account:sensor', status: 'by inbox' }])
  t.match((await app.ask('root', 'GET /api/v1/health')).body.sources, [])
  const resync = await app.ask('root', 'POST /api/v1/sources/account:sensor/resync', {
    body: { since: '2020-01-01T00:00:00Z' },
  })
  t.match(resync, { status: 400, body: { code: 'VALIDATION_FAILED', errors: [{ place: 'name' }] } })
})

t.test('a source that is not there is told with those that are', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  await getSourceId(db, 'otx')
  for (const name of ['otxx', 'OTX', '%00', '..%2Fotx', "'"]) {
    const { status, headers, body } = await app.ask('root', `GET /api/v1/sources/${name}`)
    t.equal(status, 404, name)
    t.match(headers['content-type'], /^application\/problem\+json/)
    t.match(body, { code: 'SOURCE_NOT_FOUND', status: 404, detail: /only otx\.$/ })
    const resync = await app.ask('root', `POST /api/v1/sources/${name}/resync`, {
      body: { since: '2020-01-01T00:00:00Z' },
    })
    t.match(resync, { status: 404, body: { code: 'SOURCE_NOT_FOUND' } })
  }
  const { status } = await app.ask('root', 'GET /api/v1/sources/%E0%A4%A')
  t.equal(status, 400)
})

t.test('sources come page by page', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  const names = ['a', 'b', 'c', 'd', 'e']
  for (const name of names.toReversed()) await getSourceId(db, name)
  const seen: string[] = []
  let cursor = ''
  for (let pages = 0; pages < 3; pages += 1) {
    const { body } = await app.ask('root', `GET /api/v1/sources?limit=2${cursor}`)
    seen.push(...body.sources.map(({ name }: { name: string }) => name))
    cursor = `&cursor=${body.next}`
    if (pages === 2) t.equal(body.next, null)
  }
  t.strictSame(seen, names)
  for (const bad of ['limit=0', 'limit=501', 'limit=x', 'cursor=x', 'cursor=', 'page=2']) {
    const { status, body } = await app.ask('root', `GET /api/v1/sources?${bad}`)
    t.equal(status, 400, bad)
    t.match(body, { code: 'VALIDATION_FAILED', errors: [{ place: bad.split('=')[0] }] })
  }
})

t.test('many who ask for walks while somebody writes leave connections to others', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  await getSourceId(db, 'otx')
  const body = { since: '2026-01-01T00:00:00Z' }
  let asked: ReturnType<AdminApp['ask']>[] = []
  await db.transaction().execute(async (trx) => {
    await lockIntake(trx)
    asked = Array.from({ length: 15 }, () =>
      app.ask('root', 'POST /api/v1/sources/otx/resync', { body }),
    )
    const waiting = sql`select from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`
    while ((await waiting.execute(trx)).rows.length === 0);
    t.equal((await app.ask('ann', 'GET /api/v1/sources')).status, 200)
    t.equal((await waiting.execute(trx)).rows.length, 1)
  })
  for (const { status } of await Promise.all(asked)) t.equal(status, 202)
})

t.test('a source is walked again from a moment that is asked for, once', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    const id = await getSourceId(db, 'otx')
    const resync = (since: unknown, headers?: Record<string, string>) =>
      app.ask('root', 'POST /api/v1/sources/otx/resync', {
        body: { since },
        ...(headers && { headers }),
      })

    const first = await resync('2026-01-01T00:00:00Z', { 'idempotency-key': 'one' })
    t.equal(first.status, 202)
    const wanted = {
      source: 'otx',
      since: '2026-01-01T00:00:00.000Z',
      begins: 'when somebody walks it',
      nextTryAt: null,
    }
    t.strictSame(first.body, wanted)
    t.equal((await readWalkCursor(db, id)).since, '2026-01-01T00:00:00.000Z')

    await acquireLease(db, { name: 'otx', holder: 'here/1' }, 60_000)
    await writeSourceState(db, id, 1, { ...untried, nextTryAt: dayAfterStart(3) })
    t.match((await resync('2026-02-01T00:00:00+02:00')).body, {
      since: '2026-01-31T22:00:00.000Z',
      begins: 'at the next try',
      nextTryAt: '2026-06-04T00:00:00.000Z',
    })
    await writeSourceState(db, id, 1, {
      ...untried,
      walk: { since: dayAfterStart(2), underWay: true },
    })
    t.match((await resync('2026-03-01T00:00:00Z')).body, {
      begins: 'after the walk under way',
      nextTryAt: null,
    })

    const replayed = await resync('2026-01-01T00:00:00Z', { 'idempotency-key': 'one' })
    t.equal(replayed.status, 202)
    t.equal(replayed.headers['idempotency-replayed'], 'true')
    t.strictSame(replayed.body, wanted)
    t.equal((await readWalkCursor(db, id)).since, '2026-03-01T00:00:00.000Z', 'nothing was done')
    t.match(await resync('2026-01-02T00:00:00Z', { 'idempotency-key': 'one' }), {
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    })
  })
})

t.test('what is no moment of the past begins no walk', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  const id = await getSourceId(db, 'otx')
  const ask = (body: unknown) => app.ask('root', 'POST /api/v1/sources/otx/resync', { body })
  const tomorrow = new Date(start.getTime() + 86_400_000).toISOString()
  for (const since of [
    tomorrow,
    'yesterday',
    '2026-13-01T00:00:00Z',
    '2025-12-31T23:59:60Z',
    5,
    null,
  ]) {
    const { status, body } = await ask({ since })
    t.equal(status, 400, String(since))
    t.match(body, { code: 'VALIDATION_FAILED', errors: [{ place: '/since' }] }, String(since))
  }
  t.match(await ask({}), { status: 400, body: { errors: [{ place: '/since' }] } })
  t.match(await ask({ since: '2020-01-01T00:00:00Z', until: 1 }), {
    status: 400,
    body: { errors: [{ place: '/until' }] },
  })
  t.equal((await readWalkCursor(db, id)).since, undefined)
})
