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
