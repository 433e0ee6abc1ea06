import t from 'tap'
import { forEachStore } from '../helpers/stores.ts'
import { block, inboxMessage, packageOn, startInboxServer, statusOf } from './inbox-server.ts'

t.test('what an Inbox_Message brings is in the next poll of its collection', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const server = await startInboxServer(t, db)
    const answer = await server.send(
      inboxMessage(
        block(packageOn(['one.harbour-loaders.com', 'two.harbour-loaders.com'])) +
          block(packageOn(['three.harbour-loaders.com'], 'id="ex:package-2"')),
      ),
    )
    t.equal(statusOf(answer), 'SUCCESS', answer.body)
    t.same(await server.poll('in'), [
      'one.harbour-loaders.com',
      'three.harbour-loaders.com',
      'two.harbour-loaders.com',
    ])
    t.same(await server.poll('second'), [], 'of no other collection')
    t.same(server.logged, [])
  })
})
