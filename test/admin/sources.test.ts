import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Account } from '../../src/model/account.ts'
import { StoreUnavailable } from '../../src/model/errors.ts'
import { untried } from '../../src/model/source-state.ts'
import type { Db } from '../../src/store/db.ts'
import { writeSourceState } from '../../src/store/source-state.ts'
import { getSourceId, saveCursor } from '../../src/store/sources.ts'
import { createStoredFeed } from '../../src/taxii/stored-feed.ts'
import { identifyByPassword } from '../helpers/identify.ts'
import { openTestStore } from '../helpers/stores.ts'
import { createTestIntake, dayAfterStart, reportOn } from '../intake/reports.ts'
import { createAdminParts } from './admin-parts.ts'

const roles: Record<string, Account['role']> = { root: 'administrator', esa1: 'reader' }

async function open(t: Test, db: Db): Promise<FastifyInstance> {
  const app = await buildApp({
    admin: createAdminParts(t, db),
    feed: createStoredFeed(db, 60),
    identify: identifyByPassword(async (name) => {
      if (name === 'away') throw new StoreUnavailable('the database at db.internal does not answer')
      const role = roles[name]
      return role && { id: 1, name, role }
    }),
    checkStore: async () => {},
    metrics: createMetrics(),
    log: createLog('silent'),
    publicUrl: undefined,
    version: '0.0.0',
  })
  t.teardown(() => app.close())
  return app
}

const as = (name: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:password`).toString('base64')}`,
})

async function get(app: FastifyInstance, url: string, name = 'root') {
  const response = await app.inject({ url, headers: name === '' ? {} : as(name) })
  const { statusCode: status, headers } = response
  return { status, type: headers['content-type'], headers, body: response.json() }
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

t.test('administrators are told of all sources', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  t.match(await get(app, '/api/v1/sources'), {
    status: 200,
    type: 'application/json; charset=utf-8',
    body: { sources: [] },
  })
  const id = await getSourceId(db, 'otx')
  await getSourceId(db, 'inbox')
  t.strictSame((await get(app, '/api/v1/sources')).body, {
    sources: [{ ...untriedJson, name: 'inbox' }, untriedJson],
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
  const [, otx] = (await get(app, '/api/v1/sources')).body.sources
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
  const one = await get(app, '/api/v1/sources/otx')
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

t.test('whoever is not asked for it is told nothing', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  for (const url of ['/api/v1/sources', '/api/v1/sources/otx']) {
    for (const name of ['', 'nobody']) {
      const { status, type, headers, body } = await get(app, url, name)
      t.equal(status, 401)
      t.equal(type, 'application/problem+json; charset=utf-8')
      t.match(headers['www-authenticate'], /^Basic realm=/)
      t.match(body, { type: 'about:blank', title: 'Unauthorized', status: 401 })
    }
    const { status, type, headers, body } = await get(app, url, 'esa1')
    t.equal(status, 403)
    t.equal(type, 'application/problem+json; charset=utf-8')
    t.equal(headers['www-authenticate'], undefined)
    t.match(body, { title: 'Forbidden', status: 403, detail: /needs the permission sources:read/ })
  }
})

t.test('a source that is not there is told with those that are', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  await getSourceId(db, 'otx')
  for (const name of ['otxx', 'OTX', '%00', '..%2Fotx', "'"]) {
    const { status, type, body } = await get(app, `/api/v1/sources/${name}`)
    t.equal(status, 404, name)
    t.equal(type, 'application/problem+json; charset=utf-8')
    t.match(body, { title: 'Not found', status: 404, detail: /only otx\.$/ })
  }
  const { status, type } = await get(app, '/api/v1/sources/%E0%A4%A')
  t.equal(status, 400)
  t.match(type, /json/)
})

t.test('a database that is away is 503, a defect 500, and neither says where it is', async (t) => {
  const app = await open(t, {} as Db)
  const away = await get(app, '/api/v1/sources', 'away')
  t.match(away, { status: 503, type: /problem\+json/, body: { title: 'Not ready' } })
  t.notMatch(JSON.stringify(away.body), 'db.internal')
  const defect = await get(app, '/api/v1/sources')
  t.match(defect, { status: 500, type: /problem\+json/, body: { title: 'Internal error' } })
  t.notMatch(JSON.stringify(defect.body), /TypeError|execut|sql/i)
})
