import { sql } from 'kysely'
import t from 'tap'
import type { CollectionSettings } from '../../src/model/collection.ts'
import { findCollection, writeCollection } from '../../src/store/collections.ts'
import { readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection, reportOn, type TestIntake } from '../intake/reports.ts'
import { type AdminApp, openAdminApp } from './admin-app.ts'
import { aBody, inJson, openCollections as open } from './three-collections.ts'

const binding = 'urn:stix.mitre.org:xml:1.2'

async function namesFor(app: AdminApp, who: string): Promise<string[]> {
  const { body } = await app.ask(who, 'GET /api/v1/collections')
  return body.collections.map(({ name }: { name: string }) => name)
}

t.test('each sees what he may read, and administrators all', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    t.strictSame(await namesFor(app, 'root'), ['secret', 'shared', 'theirs'])
    t.strictSame(await namesFor(app, 'ann'), ['shared', 'theirs'])
    t.strictSame(await namesFor(app, 'esa1'), ['shared'])

    const { status, body, headers } = await app.ask('ann', 'GET /api/v1/collections/theirs')
    t.equal(status, 200)
    t.strictSame(body, {
      name: 'theirs',
      ...inJson,
      streams: [{ binding, blocks: 0 }],
      behind: true,
      access: { read: true, write: true },
    })
    t.match(headers.etag, /^"[\w-]+"$/)
    const shared = await app.ask('ann', 'GET /api/v1/collections/shared')
    t.strictSame(shared.body.access, { read: true, write: false })
    // A grant to write lets change settings whose role does so.
    const robs = await app.ask('rob', 'GET /api/v1/collections/theirs')
    t.strictSame(robs.body.access, { read: true, write: false })
    const all = await app.ask('root', 'GET /api/v1/collections/shared')
    t.strictSame(all.body.access, { read: true, write: true })
  })
})

t.test('what one may not read is not there, on every route, and no other way', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  // To write alone is not to see.
  await app.addAccount('blind', 'curator', { secret: 'write' })
  await sql`update grants set can_read = false where can_write
    and collection_id = (select id from collections where name = 'secret')`.execute(db)
  t.strictSame(await namesFor(app, 'blind'), [])
  for (const who of ['ann', 'blind']) {
    const answers = async (name: string) => {
      const strip = ({ status, body }: { status: number; body: { detail?: string } }) => ({
        status,
        body: { ...body, detail: body.detail?.replaceAll(name, 'NAME') },
      })
      const apply = (dryRun: boolean) =>
        app.ask(who, 'POST /api/v1/collections/apply', {
          body: { collections: [{ name, ...inJson }], dryRun },
        })
      return [
        strip(await app.ask(who, `GET /api/v1/collections/${name}`)),
        strip(await app.ask(who, `PUT /api/v1/collections/${name}`, { body: aBody() })),
        strip(
          await app.ask(who, `PUT /api/v1/collections/${name}`, {
            body: aBody({ maxTlp: 'red', nonPublic: true }),
            headers: { 'if-match': '*' },
          }),
        ),
        strip(
          await app.ask(who, `PUT /api/v1/collections/${name}`, {
            body: aBody(),
            headers: { 'if-none-match': '*' },
          }),
        ),
        strip(await apply(true)),
        strip(await apply(false)),
      ]
    }
    const unreadable = await answers('secret')
    t.strictSame(unreadable, await answers('nowhere'))
    for (const { status, body } of unreadable) {
      t.equal(status, 404)
      t.match(body, { code: 'COLLECTION_NOT_FOUND' })
    }
  }
  for (const name of ['%00', 'no%20name', '..%2Fx', '%F0%9F%98%80', 'x'.repeat(90)]) {
    t.match(await app.ask('root', `GET /api/v1/collections/${name}`), { status: 404 }, name)
  }
  t.equal(app.followed(), 0)
})

t.test('an administrator makes a collection and changes it, and the feed follows', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await openAdminApp(t, db)
    await app.addAccount('root', 'administrator')
    const { intake } = app.parts as unknown as { intake: TestIntake }
    await intake.take([reportOn(['a.taxiway-demo.com', 'b.taxiway-demo.com'])])
    const put = (body: object, headers = {}) =>
      app.ask('root', 'PUT /api/v1/collections/mine', { body, headers })

    const made = await put({ description: 'Mine', rule: { all: [] }, profile: 'full' })
    t.equal(made.status, 201)
    t.equal(made.headers.location, '/api/v1/collections/mine')
    t.match(made.body, { name: 'mine', maxTlp: 'green', refreshDays: 20, behind: true })
    t.equal(made.body.pageSize, undefined)

    const settled = async () => {
      for (;;) {
        const { body } = await app.ask('root', 'GET /api/v1/collections/mine')
        if (!body.behind) return body
      }
    }
    t.match(await settled(), { streams: [{ binding, blocks: 2 }] })
    t.same(await readLiveValues(db, 'mine'), ['a.taxiway-demo.com', 'b.taxiway-demo.com'])

    const changed = await put(aBody({ name: 'mine', rule: { tag: 'none' }, pageSize: 5 }))
    t.equal(changed.status, 200)
    t.equal(changed.headers.location, undefined)
    t.match(changed.body, { pageSize: 5, behind: true, rule: { tag: 'none' } })
    t.match(await settled(), { streams: [{ binding, blocks: 0 }] })

    const before = await findCollection(db, 'mine')
    const again = await put(aBody({ rule: { tag: 'none' }, pageSize: 5 }))
    t.equal(again.status, 200)
    t.match(again.body, { behind: false })
    t.same(await findCollection(db, 'mine'), before, 'the same settings change nothing')
  })
})

t.test(
  'a grant to write lets choose among what the collection may show, and no more',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const app = await open(t, db)
      const put = (who: string, name: string, change: object) =>
        app.ask(who, `PUT /api/v1/collections/${name}`, { body: aBody(change) })
      const apply = (who: string, name: string, change: object, dryRun = false) =>
        app.ask(who, 'POST /api/v1/collections/apply', {
          body: { collections: [{ name, ...aBody(change) }], dryRun },
        })
      const versions = async () =>
        (await db.selectFrom('collections').select(['name', 'settings_version']).execute()).map(
          ({ name, settings_version }) => `${name} ${settings_version}`,
        )
      const before = await versions()
      const refused: readonly [who: string, name: string, change: object, why: RegExp][] = [
        [
          'ann',
          'shared',
          { description: 'X' },
          /may read the collection "shared" and not change it/,
        ],
        ['ann', 'shared', {}, /may read the collection "shared" and not change it/],
        ['ann', 'theirs', { maxTlp: 'amber' }, /"theirs" shows up to TLP green, and adm/],
        ['ann', 'theirs', { maxTlp: 'amber+strict' }, /may raise its maxTlp to amber\+strict/],
        ['ann', 'theirs', { nonPublic: true }, /not for the public, and administrators alone/],
        ['esa1', 'shared', { description: 'X' }, /needs the permission collections:write/],
        ['rob', 'theirs', { description: 'X' }, /needs the permission collections:write/],
      ]
      for (const [who, name, change, why] of refused) {
        const wanted = { status: 403, body: { code: 'NOT_PERMITTED', detail: why } }
        const what = `${who} ${name} ${JSON.stringify(change)}`
        t.match(await put(who, name, change), wanted, what)
        t.match(await apply(who, name, change), wanted, what)
        t.match(await apply(who, name, change, true), wanted, what)
      }
      t.strictSame(await versions(), before)
      t.equal(app.followed(), 0)

      t.match(await put('ann', 'theirs', { maxTlp: 'white', rule: { tag: ['a', 'b'] } }), {
        status: 200,
        body: { maxTlp: 'white', rule: { tag: ['a', 'b'] } },
      })
      t.match(await put('ann', 'theirs', {}), { status: 403 }, 'it is not raised again')
      const { maxTlp, ...rest } = aBody()
      t.equal(maxTlp, 'green')
      const byDefault = await app.ask('ann', 'PUT /api/v1/collections/theirs', { body: rest })
      t.equal(byDefault.status, 403, 'by leaving it out neither')

      t.match(await put('root', 'theirs', { maxTlp: 'red', nonPublic: true }), { status: 200 })
      t.match(await put('ann', 'theirs', { maxTlp: 'amber', nonPublic: true }), { status: 200 })
      t.match(await put('ann', 'theirs', { maxTlp: 'amber', nonPublic: false }), { status: 200 })
      t.match(await put('ann', 'theirs', { maxTlp: 'amber', nonPublic: true }), { status: 403 })
      await sql`delete from grants where can_write`.execute(db)
      t.match(await put('ann', 'theirs', { maxTlp: 'white' }), { status: 404 })
    })
  },
)

t.test('what nobody could mean is refused with its place', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  const deep = (levels: number): object => (levels === 0 ? { tag: 'x' } : { not: deep(levels - 1) })
  const bodies: readonly [body: unknown, place: string][] = [
    [aBody({ name: 'other' }), '/name'],
    [aBody({ id: 5 }), '/id'],
    [aBody({ streams: [] }), '/streams'],
    [aBody({ maxTlp: 'clear' }), '/maxTlp'],
    [aBody({ nonPublic: 'false' }), '/nonPublic'],
    [aBody({ pageSize: '5' }), '/pageSize'],
    [aBody({ pageSize: null }), '/pageSize'],
    [aBody({ bindings: [] }), '/bindings'],
    [aBody({ description: '' }), '/description'],
    [aBody({ description: 'x\u0000' }), '/description'],
    [aBody({ rule: {} }), '/rule'],
    [aBody({ rule: { tag: 'a', author: 'b' } }), '/rule'],
    [aBody({ rule: { any: [{ tag: 'a' }, { tgs: 'b' }] } }), '/rule/any/1/tgs'],
    [aBody({ rule: { any: [{ tag: ['a', 'b\u0007'] }] } }), '/rule/any/0/tag/1'],
    [aBody({ rule: deep(20) }), '/rule'],
    [`{"rule":${'{"not":'.repeat(100_000)}{}${'}'.repeat(100_001)}`, ''],
    [aBody({ profile: 'esa', cidr: 'cidr' }), '/cidr'],
    ['{"description": "a", "description": "b"}', '/description'],
    ['[]', ''],
    ['{', ''],
  ]
  for (const [body, place] of bodies) {
    const { status, body: answer } = await app.ask('root', 'PUT /api/v1/collections/theirs', {
      body,
    })
    const what = JSON.stringify(body).slice(0, 80)
    t.equal(status, 400, what)
    t.match(answer, { code: 'VALIDATION_FAILED', errors: [{ place }] }, what)
    t.notMatch(JSON.stringify(answer), /postgres|select |stack/i)
  }
  t.match(await app.ask('root', 'PUT /api/v1/collections/-bad', { body: aBody() }), {
    status: 400,
    body: { errors: [{ place: 'name' }] },
  })
  t.match(
    await app.ask('root', 'PUT /api/v1/collections/theirs', { body: aBody({ rule: deep(19) }) }),
    {
      status: 200,
    },
  )
})

t.test('collections come page by page, in one order whatever is made meanwhile', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    const names = ['A', 'Z', '_', 'a', 'a-b', 'a.b', 'aB', 'b'].filter((name) => name !== '_')
    const settings = (name: string): CollectionSettings => aCollection({ name })
    for (const name of names.toReversed()) await writeCollection(db, settings(name))
    const seen: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`
      const { body } = await app.ask('root', `GET /api/v1/collections?limit=3${cursor}`)
      seen.push(...body.collections.map(({ name }: { name: string }) => name))
      next = body.next
      await writeCollection(db, settings('0'))
    }
    t.strictSame(seen, [...names, 'secret', 'shared', 'theirs'])
    const { body } = await app.ask('ann', 'GET /api/v1/collections?limit=1')
    t.strictSame(
      body.collections.map(({ name }: { name: string }) => name),
      ['shared'],
    )
    const rest = await app.ask('ann', `GET /api/v1/collections?cursor=${body.next}`)
    t.strictSame(rest.body.next, null)
    t.match(await app.ask('esa1', `GET /api/v1/collections?cursor=${body.next}`), {
      body: { collections: [], next: null },
    })
    const forged = Buffer.from(JSON.stringify(['collections', '\u0000'])).toString('base64url')
    const elsewhere = Buffer.from(JSON.stringify(['sources', 'a'])).toString('base64url')
    for (const cursor of [forged, elsewhere, 'AAAA', "'"]) {
      t.match(await app.ask('root', `GET /api/v1/collections?cursor=${cursor}`), {
        status: 400,
        body: { errors: [{ place: 'cursor' }] },
      })
    }
  })
})
