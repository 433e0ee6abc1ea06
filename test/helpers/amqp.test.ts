import amqp from 'amqplib'
import t from 'tap'
import { getTestAmqpUrl } from './amqp.ts'

t.test('what is published to a queue of the broker is consumed and acknowledged', async (t) => {
  const connection = await amqp.connect(getTestAmqpUrl())
  t.teardown(() => connection.close())
  const channel = await connection.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })

  const received = new Promise<string>((resolve) => {
    void channel.consume(queue, (message) => {
      if (message === null) return
      channel.ack(message)
      resolve(message.content.toString())
    })
  })
  channel.sendToQueue(queue, Buffer.from('an event'))
  await channel.waitForConfirms()

  t.equal(await received, 'an event')
  t.equal((await channel.checkQueue(queue)).messageCount, 0)
})
