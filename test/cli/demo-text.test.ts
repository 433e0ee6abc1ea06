import t from 'tap'
import { demoGuide } from '../../src/cli/demo-text.ts'
import { pollCommand } from '../../src/cli/poll.ts'

const guide = demoGuide({
  url: 'http://127.0.0.1:9000',
  account: 'demo',
  password: 'a password',
  passwordFile: '/tmp/taxiway-demo-1/demo-password',
  pollSeconds: 10,
  reviseAfter: 30,
})

t.test('it tells how to poll as an ESA, in words that the command takes', async (t) => {
  const [, words = ''] = /^ {2}npm run -s taxiway -- poll (.+)$/m.exec(guide) ?? []
  const command = pollCommand()
  const { operands, unknown } = command.parseOptions(words.split(' '))
  t.strictSame(operands, ['http://127.0.0.1:9000/taxii/poll'])
  t.strictSame(unknown, [])
  t.match(command.opts(), {
    as: 'esa',
    collection: 'esa-network',
    username: 'demo',
    passwordFile: '/tmp/taxiway-demo-1/demo-password',
  })
})
