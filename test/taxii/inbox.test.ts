import t from 'tap'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  block,
  domain,
  inboxMessage,
  indicator,
  indicators,
  observing,
  packageOn,
  startInboxServer,
  statusOf,
  stixPackage,
} from './inbox-server.ts'
import { full, pollRequest } from './server.ts'

const one = 'one.harbour-loaders.com'
const two = 'two.harbour-loaders.com'
const three = 'three.harbour-loaders.com'

t.test('what an Inbox_Message brings is in the next poll of its collection', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const server = await startInboxServer(t, db)
    const answer = await server.send(
      inboxMessage(block(packageOn([one, two])) + block(packageOn([three], 'id="ex:package-2"'))),
    )
    t.equal(statusOf(answer), 'SUCCESS', answer.body)
    t.strictSame(await server.poll('in'), [one, three, two])
    t.strictSame(await server.poll('second'), [], 'of no other collection')
    t.strictSame(server.logged, [])
  })
})

t.test('an Inbox_Message', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const server = await startInboxServer(t, db)
  const rw = { read: true, write: true }
  await server.addAccount('sensor', {
    in: rw,
    closed: rw,
    second: { read: true, write: false },
  })
  const reset = async () => {
    for (const table of [
      'blocks',
      'publications',
      'suppressions',
      'assertions',
      'reports',
      'inbox_blocks',
    ]) {
      await db.deleteFrom(table as 'blocks').execute()
    }
  }
  t.afterEach(reset)
  const send = async (blocks: string, destinations?: string[], as = 'sensor') =>
    statusOf(await server.send(inboxMessage(blocks, destinations), { as }))

  await t.test('is taken whole or not at all', async (t) => {
    const good = block(packageOn([one]))
    const faults: readonly (readonly [string, RegExp])[] = [
      [block('<not-stix xmlns=""/>'), /content block 2: line 1: its Content is "not-stix"/],
      [block(''), /content block 2: its Content is empty/],
      [block('{"type": "bundle"}'), /content block 2: its Content is text that is no XML document/],
      [
        block(packageOn([two]) + packageOn([three], 'id="ex:package-3"')),
        /content block 2: line 1: its Content holds more than one STIX_Package/,
      ],
      [block(`${packageOn([two])} beside`), /content block 2: text stands beside/],
      [
        block('<x:STIX_Package xmlns:x="http://docs.oasis-open.org/cti/ns/stix/core-1"/>'),
        /content block 2: line 1: its Content is a STIX_Package of "http:\/\/docs.oasis/,
      ],
      [block('<a><b></a>'), /line 1, column \d+: content block 2: /],
      [
        '<t:Content_Block><t:Content/></t:Content_Block>',
        /content block 2: Content_Block has no Content_Binding where one is needed/,
      ],
      [
        '<t:Content_Block><t:Content_Binding binding_id="urn:stix.mitre.org:xml:1.2"/></t:Content_Block>',
        /content block 2: Content_Block has no Content where one is needed/,
      ],
      ['<t:Unknown/>', /"Unknown" is unknown or out of its order in Inbox_Message/],
      [
        good.replace('</t:Content_Block>', '<t:Timestamp_Label>2026</t:Timestamp_Label>$&'),
        /content block 2: Timestamp_Label is/,
      ],
    ]
    for (const [second, told] of faults) {
      const answer = await server.send(inboxMessage(good + second), { as: 'sensor' })
      t.match(statusOf(answer), 'BAD_MESSAGE', answer.body)
      t.match(answer.body.replaceAll('&gt;', '>'), told)
    }
    const cut = inboxMessage(good + good)
    t.equal(statusOf(await server.send(cut.slice(0, -40), { as: 'sensor' })), 'BAD_MESSAGE')
    t.strictSame(await server.poll('in'), [])
    t.strictSame(await db.selectFrom('inbox_blocks').selectAll().execute(), [])
    t.equal(await send(good), 'SUCCESS', 'and the next one is taken')
  })

  await t.test('goes to collections that the account may send to', async (t) => {
    const good = block(packageOn([one]))
    t.equal(await send(good, ['in', 'missing']), 'NOT_FOUND ITEM=missing')
    t.equal(await send(good, ['in', 'second']), 'UNAUTHORIZED')
    const refused = await server.send(inboxMessage(good, ['second']), { as: 'sensor' })
    t.match(refused.body, /may not send to .*second.*: that takes a grant to write/)
    t.equal(await send(good, ['closed']), 'DESTINATION_COLLECTION_ERROR ACCEPTABLE_DESTINATION=in')
    t.equal(await send(good, []), 'DESTINATION_COLLECTION_ERROR ACCEPTABLE_DESTINATION=in')
    t.strictSame(await server.poll('in'), [])
    t.equal(await send(good, ['in', 'second'], 'admin'), 'SUCCESS')
    t.strictSame([await server.poll('in'), await server.poll('second')], [[one], [one]])
  })

  await t.test('goes where one may send and not read', async (t) => {
    await server.addAccount('blind', { in: { read: false, write: true } })
    t.equal(await send(block(packageOn([one])), ['in'], 'blind'), 'SUCCESS')
    const polled = await server.send(pollRequest(full, 'in'), { as: 'blind' })
    t.equal(statusOf(polled), 'NOT_FOUND ITEM=in')
    t.strictSame(await server.poll('in'), [one])
  })

  await t.test('names the content that is read where it brings another', async (t) => {
    const supported = ['1.2', '1.1.1', '1.1', '1.0.1', '1.0']
      .map((version) => `SUPPORTED_CONTENT=urn:stix.mitre.org:xml:${version}`)
      .join(' ')
    t.equal(await send(block('<a/>', 'urn:example')), `UNSUPPORTED_CONTENT ${supported}`)
    const subtype = block(packageOn([one])).replace(
      '1.2"/>',
      '1.2"><t:Subtype subtype_id="x"/></t:Content_Binding>',
    )
    t.equal(await send(subtype), `UNSUPPORTED_CONTENT ${supported}`)
    t.equal(await send(block(packageOn([one]), 'urn:stix.mitre.org:xml:1.1.1')), 'SUCCESS')
  })

  await t.test('pushed again changes nothing, however it is spelled', async (t) => {
    const text = packageOn([one])
    t.equal(await send(block(text)), 'SUCCESS')
    const before = await db.selectFrom('blocks').selectAll().execute()
    const others = [
      text,
      text.replaceAll('stix:', 's:').replaceAll('xmlns:stix=', 'xmlns:s='),
      `<![CDATA[<?xml version="1.0"?>${text}]]>`,
      text.replaceAll('<', '&lt;'),
      `\n<!-- again -->\n${text.replaceAll('><', '>\n  <')}`,
    ]
    for (const other of others) {
      const answer = await server.send(inboxMessage(block(other)), { as: 'sensor' })
      t.match(answer.body, /1 of them known already/)
    }
    t.strictSame(await db.selectFrom('blocks').selectAll().execute(), before)
    t.equal((await db.selectFrom('inbox_blocks').select('id').execute()).length, 1)
  })

  await t.test('that revises a package takes back what it no longer holds', async (t) => {
    t.equal(await send(block(packageOn([one, two]))), 'SUCCESS')
    t.equal(await send(block(packageOn([two, three]))), 'SUCCESS')
    t.strictSame(await server.poll('in'), [three, two])
    t.equal(await send(block(packageOn([one, two]))), 'SUCCESS', 'back to what it was')
    t.strictSame(await server.poll('in'), [one, two])
    t.equal(await send(block(stixPackage('')), undefined), 'SUCCESS')
    t.strictSame(await server.poll('in'), [], 'one that says nothing any more takes all back')
  })

  await t.test('with an older revision does not undo a newer one', async (t) => {
    const dated = (moment: string) => `id="ex:package-1" timestamp="${moment}"`
    t.equal(await send(block(packageOn([two], dated('2026-05-02T00:00:00Z')))), 'SUCCESS')
    t.equal(await send(block(packageOn([one], dated('2026-05-01T00:00:00Z')))), 'SUCCESS')
    t.strictSame(await server.poll('in'), [two])
    const [, late] = await db.selectFrom('inbox_blocks').selectAll().orderBy('id').execute()
    t.match(late, { outcome: 'outdated', detail: /newer revision/ })
  })

  await t.test('dated as late as a date can be is taken in', async (t) => {
    const dated = 'id="ex:package-1" timestamp="9999-12-31T23:59:59Z"'
    t.equal(await send(block(packageOn([one], dated))), 'SUCCESS')
    t.strictSame(await server.poll('in'), [one])
  })

  await t.test('of one account never revises what another has sent', async (t) => {
    t.equal(await send(block(packageOn([one]))), 'SUCCESS')
    t.equal(await send(block(packageOn([two])), ['in'], 'admin'), 'SUCCESS')
    t.strictSame(await server.poll('in'), [one, two])
  })

  await t.test('sent to another collection too is in both', async (t) => {
    t.equal(await send(block(packageOn([one])), ['in'], 'admin'), 'SUCCESS')
    t.equal(await send(block(packageOn([one])), ['second'], 'admin'), 'SUCCESS')
    t.strictSame([await server.poll('in'), await server.poll('second')], [[one], [one]])
    const [row] = await db.selectFrom('inbox_blocks').select('sent_to').execute()
    t.strictSame(row, { sent_to: ['in', 'second'] })
  })

  await t.test('is judged like all that is taken in, and held to the TLP', async (t) => {
    const handling = (color: string) =>
      `<indicator:Handling><marking:Marking><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="${color}"/></marking:Marking></indicator:Handling>`
    const red = indicator(observing(domain(three)) + handling('RED'))
    const amber = indicator(observing(domain(two)) + handling('AMBER'))
    const wrong = indicator(observing(domain('not a domain')))
    const text = stixPackage(indicators(indicator(observing(domain(one))), red, amber, wrong))
    t.equal(await send(block(text)), 'SUCCESS')
    t.strictSame(await server.poll('in'), [one, two])
    const [suppressed] = await db.selectFrom('suppressions').select('reason').execute()
    t.match(suppressed, { reason: 'syntax' })
  })

  await t.test('that nothing is understood of is kept, listed and not published', async (t) => {
    const text = stixPackage(
      `${indicators(indicator(observing(domain('evil', 'condition="Contains"'))))}<stix:TTPs/>`,
    )
    const message = inboxMessage(block(text) + block(packageOn([one], 'id="ex:package-2"')))
    const sent = await server.send(message, { as: 'sensor' })
    t.equal(statusOf(sent), 'SUCCESS')
    t.match(
      sent.body,
      '2 content blocks for in; nothing in 1 of them understood, so nothing of these is published;',
    )
    t.strictSame(await server.poll('in'), [one])
    const rows = await db.selectFrom('inbox_blocks').selectAll().orderBy('id').execute()
    t.match(rows, [
      { outcome: 'not-understood', detail: '1 conditions Contains', observables: 0 },
      { outcome: 'taken-in', detail: '', observables: 1, content: null },
    ])
    t.ok(rows[0]?.content)
  })

  await t.test('of a version that is not read is kept, and takes nothing back', async (t) => {
    const written = (version: string, host: string) =>
      block(packageOn([host]).replace('version="1.2"', version))
    t.equal(await send(written('version="1.2"', one)), 'SUCCESS')
    for (const version of ['2.0', '1.2.1', `${'x'.repeat(19)}\u{1F600}`]) {
      t.equal(await send(written(`version="${version}"`, two)), 'SUCCESS', version)
    }
    t.strictSame(await server.poll('in'), [one])
    const rows = await db.selectFrom('inbox_blocks').selectAll().orderBy('id').execute()
    t.match(rows.slice(1), [
      {
        outcome: 'not-understood',
        package_id: 'ex:package-1',
        detail: '1 STIX_Package of version 2.0; 1.0 to 1.2 are read',
      },
      { outcome: 'not-understood', detail: /version 1\.2\.1;/ },
      { outcome: 'not-understood', detail: /version x{19}\ufffd;/ },
    ])
    t.ok(rows.slice(1).every(({ content }) => content))
    for (const version of ['1.0', '1.0.1', '1.1', '1.1.1']) {
      t.equal(await send(written(`version="${version}"`, two)), 'SUCCESS', version)
      t.strictSame(await server.poll('in'), [two], version)
      await reset()
    }
    t.equal(await send(written('', two)), 'SUCCESS')
    t.strictSame(await server.poll('in'), [two], 'one that names none')
  })

  await t.test('in TAXII 1.0, which names no collection, goes to all of the account', async (t) => {
    const body = inboxMessage(block(packageOn([one])), [])
      .replace(/xml_binding-1.1/, 'xml_binding-1')
      .replace('message_id="m-1"', 'message_id="1"')
      .replace(
        /<t:Content_Binding binding_id="([^"]+)"\/>/,
        '<t:Content_Binding>$1</t:Content_Binding>',
      )
    const headers = {
      'X-TAXII-Content-Type': 'urn:taxii.mitre.org:message:xml:1.0',
      'X-TAXII-Accept': 'urn:taxii.mitre.org:message:xml:1.0',
      'X-TAXII-Services': 'urn:taxii.mitre.org:services:1.0',
    }
    const answer = await server.send(body, { as: 'sensor', headers })
    t.equal(statusOf(answer), 'SUCCESS', answer.body)
    t.strictSame(await server.poll('in'), [one])
  })

  await t.test('that the account may not send any more when it is stored is refused', async (t) => {
    const lost = await server.addAccount('lost', { in: rw })
    await db.updateTable('accounts').set({ role: 'curator' }).where('id', '=', lost.id).execute()
    t.equal(await send(block(packageOn([one])), ['in'], 'lost'), 'UNAUTHORIZED')
    t.strictSame(await server.poll('in'), [])
  })

  t.strictSame(server.logged, [], 'nothing was unexpected')
})

t.test('many messages at once are each taken, and each alone refused', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const server = await startInboxServer(t, db)
  const lost = await server.addAccount('lost', { in: { read: true, write: true } })
  await db.updateTable('accounts').set({ role: 'curator' }).where('id', '=', lost.id).execute()
  const statuses = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const text = packageOn([`n${n}.harbour-loaders.com`], `id="ex:package-${n}"`)
      return statusOf(
        await server.send(inboxMessage(block(text)), { as: n % 3 === 0 ? 'lost' : 'admin' }),
      )
    }),
  )
  t.strictSame(
    statuses,
    statuses.map((_, n) => (n % 3 === 0 ? 'UNAUTHORIZED' : 'SUCCESS')),
  )
  t.equal((await server.poll('in')).length, 8)
})

t.test('a destination that is optional or prohibited', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const optional = await startInboxServer(t, db, { destination: 'optional' })
  const good = block(packageOn([one]))
  t.equal(statusOf(await optional.send(inboxMessage(good, []))), 'SUCCESS')
  t.strictSame([await optional.poll('in'), await optional.poll('second')], [[one], [one]])
  await optional.addAccount('reader', { in: { read: true, write: false } })
  const lost = await optional.send(inboxMessage(good, []), { as: 'reader' })
  t.equal(statusOf(lost), 'UNAUTHORIZED')
  t.match(lost.body, 'this account may send to no collection: that takes a grant to write')
})

t.test('a message that is too large is 413, and the next one is answered', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const server = await startInboxServer(t, db, { maxBytes: 1_000_000, destination: 'prohibited' })
  const sized = (length: number) => inboxMessage(block(packageOn([one]) + ' '.repeat(length)), [])
  const large = await server.send(sized(1_000_000))
  t.equal(large.status, 413)
  t.equal(statusOf(large), 'BAD_MESSAGE')
  t.equal(statusOf(await server.send(sized(990_000))), 'SUCCESS')
  t.equal(
    statusOf(await server.send(inboxMessage(block(packageOn([one])), ['in']))),
    'DESTINATION_COLLECTION_ERROR ACCEPTABLE_DESTINATION=in ACCEPTABLE_DESTINATION=second',
  )
})
