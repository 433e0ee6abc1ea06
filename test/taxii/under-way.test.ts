import { PassThrough, Readable } from 'node:stream'
import t from 'tap'
import { createUnderWay } from '../../src/taxii/under-way.ts'
import { openTestStore } from '../helpers/stores.ts'
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

t.test('what an account has under way at once is bounded', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const server = await startInboxServer(t, db)
  await server.addAccount('sensor', { in: { read: true, write: true } })
  // 150,000 values, each a letter and a comma: far more memory than the message has bytes.
  const list = domain('a,'.repeat(150_000), 'condition="Equals" delimiter=","')
  const many = (id: string) =>
    inboxMessage(block(stixPackage(indicators(indicator(observing(list))), `id="ex:${id}"`)))
  const small = inboxMessage(block(packageOn(['one.harbour-loaders.com'], 'id="ex:small"')))

  // Each is read to its end but for the last characters, so that of four there is place for two.
  const answered: string[] = []
  const twoAreRefused = Promise.withResolvers<void>()
  const sending = ['first', 'second', 'third', 'fourth'].map((id) => {
    const body = new PassThrough()
    body.write(many(id).slice(0, -10))
    const answer = server
      .send(Readable.toWeb(body) as ReadableStream, { as: 'sensor' })
      .then((answer) => {
        if (answered.push(statusOf(answer)) === 2) twoAreRefused.resolve()
      })
    return { body, answer }
  })
  await twoAreRefused.promise
  t.strictSame(answered, ['RETRY ESTIMATED_WAIT=60', 'RETRY ESTIMATED_WAIT=60'])
  t.equal(statusOf(await server.send(small)), 'SUCCESS', "another account's is taken")
  for (const { body, answer } of sending) {
    body.end()
    await answer
  }
  t.strictSame(answered.slice(2), ['BAD_MESSAGE', 'BAD_MESSAGE'], 'the others were read and cut')
  t.equal(statusOf(await server.send(many('fifth').slice(0, -10), { as: 'sensor' })), 'BAD_MESSAGE')
  t.equal(statusOf(await server.send(small, { as: 'sensor' })), 'SUCCESS', 'nothing stays counted')
  t.strictSame(server.logged, [])
})

t.test('an account is held to its bytes and observables in all messages together', (t) => {
  const underWay = createUnderWay({ bytes: 100, observables: 10 })
  const first = underWay.begin(1)
  first.addBytes(90)
  const other = underWay.begin(2)
  t.doesNotThrow(() => other.addBytes(90), 'another account')
  other.end()
  const second = underWay.begin(1)
  second.addBytes(10)
  second.addObservables(10)
  t.throws(() => second.addBytes(1), { code: 'TAXII_RETRY' })
  t.throws(() => first.addObservables(1), { code: 'TAXII_RETRY' })
  second.end()
  t.doesNotThrow(() => first.addBytes(10), 'what has ended does not count')
  t.doesNotThrow(() => first.addBytes(50), 'one alone has the limits of its kind')
  t.end()
})

t.test('all accounts together are bounded, and nobody keeps another out', (t) => {
  const underWay = createUnderWay({ bytes: 100, observables: 10 })
  const of = (account: number, bytes: number) => {
    const message = underWay.begin(account)
    message.addBytes(bytes)
    return message
  }
  const large = [of(1, 90), of(2, 90), of(3, 20)]
  const [first, second, third] = large
  const told = { code: 'TAXII_RETRY', message: /^all accounts together have other large/ }
  t.throws(() => first?.addBytes(1), told, 'who has most is told to wait')
  t.doesNotThrow(() => third?.addBytes(45), 'who has less than a third goes on')
  t.throws(() => third?.addBytes(5), told)
  t.doesNotThrow(() => of(4, 40), 'and so does who comes')
  second?.end()
  first?.end()
  t.doesNotThrow(() => third?.addBytes(30), 'what has ended does not count')

  const many = createUnderWay({ bytes: 100, observables: 100 })
  let taken = 0
  for (let account = 1; account <= 1_000; account += 1) {
    const message = many.begin(account)
    try {
      for (;;) {
        message.addObservables(0.25)
        taken += 0.25
      }
    } catch {
      // It holds what it has until the others have tried too.
    }
  }
  t.ok(taken <= 300, `${taken} of at most what three may have`)
  t.throws(() => many.begin(1_001).addObservables(1), told)
  t.doesNotThrow(() => many.begin(1_002).addBytes(1), 'a poll is answered')
  t.end()
})
