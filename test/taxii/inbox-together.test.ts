import t from 'tap'
import { openTestStore } from '../helpers/stores.ts'
import { block, inboxMessage, packageOn, startInboxServer, statusOf } from './inbox-server.ts'

t.test('messages that come at once are taken in as one after another', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const server = await startInboxServer(t, db)
  // While the first is stored, the others wait and are then taken in together.
  const sendAtOnce = async (...messages: readonly string[]) => {
    const first = packageOn(['first.harbour-loaders.com'], 'id="ex:first"')
    const sent = await Promise.all(
      [inboxMessage(block(first)), ...messages].map((message) => server.send(message)),
    )
    return sent.map((answer) => statusOf(answer))
  }

  await t.test('a package that is sent to two collections is in both', async (t) => {
    const value = 'both.harbour-loaders.com'
    const both = block(packageOn([value], 'id="ex:both"'))
    await sendAtOnce(
      inboxMessage(both, ['in']),
      inboxMessage(both, ['second']),
      inboxMessage(both, ['in']),
    )
    t.match(await server.poll('in'), [value, 'first.harbour-loaders.com'])
    t.strictSame(await server.poll('second'), [value])
  })
})

t.test('a message id of any length is recorded cut, with each of many blocks', async (t) => {
  const { db } = await openTestStore(t, 'embedded')
  const server = await startInboxServer(t, db)
  const blocks = Array.from({ length: 1_200 }, (_, n) =>
    block(`<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1" id="ex:${n}"/>`),
  )
  const answer = await server.send(inboxMessage(blocks.join(''), ['in'], '9'.repeat(100_000)))
  t.equal(statusOf(answer), 'SUCCESS', answer.body)
  const rows = await db.selectFrom('inbox_blocks').select('message_id').execute()
  t.strictSame(
    [rows.length, new Set(rows.map((row) => row.message_id.length))],
    [1_200, new Set([500])],
  )
})
