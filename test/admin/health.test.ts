import t from 'tap'
import { writeCollection } from '../../src/store/collections.ts'
import { acquireLease, releaseLease } from '../../src/store/leases.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { openAdminApp } from './admin-app.ts'

t.test('the service tells how it is', async (t) => {
  await forEachStore(t, async (t, { db, kind }) => {
    const startedAt = new Date(Date.now() - 90_500)
    let validUntil: Date | undefined
    const app = await openAdminApp(t, db, {
      service: {
        storeKind: kind,
        startedAt,
        findCertificate: () => validUntil && { subject: 'CN=taxii.example.com', validUntil },
      },
    })
    await app.addAccount('root', 'administrator')
    const health = async () => (await app.ask('root', 'GET /api/v1/health')).body
    const { uptimeSeconds, store, ...rest } = await health()
    t.ok(uptimeSeconds >= 90 && uptimeSeconds < 600)
    t.equal(store.kind, kind)
    t.match(store.schema, /^\d{4}-[a-z-]+$/)
    t.strictSame(rest, {
      version: '0.0.0',
      startedAt: startedAt.toISOString(),
      leases: [],
      sources: [],
      certificate: null,
      keyId: app.parts.keyring.keyId,
      collectionsBehind: 0,
    })

    validUntil = new Date('2027-01-01T00:00:00Z')
    await getSourceId(db, 'otx')
    const lease = { name: 'sweep', holder: 'host/1/ab' }
    const token = await acquireLease(db, lease, 60_000)
    await acquireLease(db, { name: 'otx', holder: 'host/2/cd' }, 60_000)
    await writeCollection(db, aCollection())
    t.match(await health(), {
      leases: [
        { name: 'otx', holder: 'host/2/cd' },
        { name: 'sweep', holder: 'host/1/ab' },
      ],
      sources: [{ name: 'otx', status: 'never walked' }],
      certificate: { subject: 'CN=taxii.example.com', validUntil: '2027-01-01T00:00:00.000Z' },
      collectionsBehind: 1,
    })
    await releaseLease(db, { ...lease, token: token ?? 0 })
    t.match(await health(), { leases: [{ name: 'otx' }, { name: 'sweep', holder: null }] })
  })
})

t.test('readers are told nothing of the service, curators and responders are', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await openAdminApp(t, db)
  for (const role of ['reader', 'curator', 'responder'] as const) {
    await app.addAccount(role, role)
    const { status, body } = await app.ask(role, 'GET /api/v1/health')
    t.equal(status, role === 'reader' ? 403 : 200, role)
    t.notMatch(JSON.stringify(body), /postgres(ql)?:\/\/|password|127\.0\.0\.1/)
  }
})
