import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { runProgram } from '../../helpers/program.ts'
import { noon } from './polling.ts'
import {
  contentBlock,
  domainPackage,
  goodHeaders,
  type Met,
  pollResponse,
  startRogueServer,
} from './rogue-server.ts'

const program = new URL('poll-in-process.ts', import.meta.url).pathname

/** An answer of so many blocks, which is never whole in memory. */
async function sendMany(met: Met, blocks: number): Promise<void> {
  const [head, tail] = pollResponse(met, { count: blocks, blocks: '<!-- -->' }).split('<!-- -->')
  function* pieces() {
    yield head
    for (let at = 0; at < blocks; at += 1) {
      yield contentBlock(domainPackage(`host-${at}.example`), noon - blocks + at)
    }
    yield tail
  }
  met.response.writeHead(200, goodHeaders)
  // A client that goes away is the client's own affair.
  await pipeline(Readable.from(pieces()), met.response).catch(() => {})
}

t.test('30,000 blocks in one answer are read in a heap of 40 MB', async (t) => {
  const { url } = await startRogueServer(t, (met) => sendMany(met, 30_000))
  const child = runProgram(t, '--max-old-space-size=40', [program, url.href])
  const said = await child.nextLine()
  t.equal(await child.ended, 0, child.errors().slice(0, 500))
  t.strictSame(JSON.parse(said ?? '{}'), { blocks: 30_000, distinct: 30_000, rules: [] })
})

t.test('what a small answer inflates to does not fill the memory either', async (t) => {
  const bomb = gzipSync(Buffer.alloc(100_000_000, ' '))
  const { url } = await startRogueServer(t, (met) =>
    met.response.writeHead(200, { ...goodHeaders, 'Content-Encoding': 'gzip' }).end(bomb),
  )
  const child = runProgram(t, '--max-old-space-size=40', [program, url.href])
  const said = await child.nextLine()
  t.equal(await child.ended, 0, child.errors().slice(0, 500))
  t.match(JSON.parse(said ?? '{}'), { fault: 'too-large', blocks: 0 })
})
