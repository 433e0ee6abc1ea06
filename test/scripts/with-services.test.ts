import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = fileURLToPath(new URL('../../scripts/with-services.ts', import.meta.url))

// The services that this test itself runs with, so that nothing is started a second time.
function withServices(...command: string[]) {
  return spawn(process.execPath, [script, ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function read(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

t.test('a command gets the services already given, and its exit code is passed on', async (t) => {
  const print = 'console.log(process.env.TEST_DATABASE_URL); process.exit(7)'
  const child = withServices('node', '-e', print)
  const [stdout, [code]] = await Promise.all([read(child.stdout), once(child, 'exit')])
  t.equal(stdout.trim(), process.env.TEST_DATABASE_URL)
  t.equal(code, 7)
})

t.test('a signal reaches the command, whose end is waited for', async (t) => {
  const work = `
    process.on('SIGTERM', () => { console.log('stopping'); process.exit(3) })
    setInterval(() => {}, 1000)
    console.log('ready')`
  const child = withServices('node', '-e', work)
  const exit = once(child, 'exit')
  let output = ''
  for await (const chunk of child.stdout) {
    output += chunk
    if (output === 'ready\n') child.kill('SIGTERM')
  }
  t.equal(output, 'ready\nstopping\n')
  t.equal((await exit)[0], 3)
})

t.test('a command that does not exist is an error that names it', async (t) => {
  const child = withServices('no-such-command')
  const [stderr, [code]] = await Promise.all([read(child.stderr), once(child, 'exit')])
  t.match(stderr, /no-such-command/)
  t.equal(code, 1)
})
