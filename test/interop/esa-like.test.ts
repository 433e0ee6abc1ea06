import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runPython } from '../helpers/python.ts'
import { blockCount, pageSize, startWorld } from '../taxii/conformance/world.ts'

const world = await startWorld(t)

interface TakenIn {
  readonly end: string
  readonly values: readonly string[]
  readonly dropped: readonly unknown[]
  readonly polls: number
  readonly blocks: number
  readonly userAgent: string
}

async function pollAsEsa(collection: string, begin?: string): Promise<TakenIn> {
  const script = fileURLToPath(new URL('esa_like.py', import.meta.url))
  const asked = {
    url: `${world.url}/taxii/poll`,
    username: 'esa',
    password: world.passwordOf('esa'),
    collection,
    begin,
    ageDays: 30,
    segmentDays: 5,
  }
  const { stdout, stderr, code } = await runPython([script], JSON.stringify(asked))
  if (code !== 0) throw new Error(`esa_like.py ended with ${code}:\n${stdout}\n${stderr}`)
  return JSON.parse(stdout)
}

t.test('a full poll in segments takes in every block once, and drops none', async (t) => {
  const [whole, paged] = await Promise.all([pollAsEsa('indicators'), pollAsEsa('paged')])
  t.match(whole.userAgent, /^python-requests\//)
  // Six segments of its age, and what has come since.
  t.equal(whole.polls, 7)
  t.equal(paged.polls, 7 + blockCount / pageSize - 1)
  for (const taken of [whole, paged]) {
    t.equal(taken.blocks, blockCount)
    t.equal(new Set(taken.values).size, blockCount)
    t.strictSame(taken.dropped, [])
  }
  t.strictSame(paged.values.toSorted(), whole.values.toSorted())

  await t.test('a delta poll goes on from there', async (t) => {
    await world.publishAnother()
    const delta = await pollAsEsa('paged', paged.end)
    t.equal(delta.polls, 1)
    t.equal(delta.values.length, 1)
    t.notOk(whole.values.includes(String(delta.values[0])))
    const later = await pollAsEsa('paged', delta.end)
    t.equal(later.blocks, 0)
  })
})

t.test('a collection that is not there is told in words', async (t) => {
  await t.rejects(pollAsEsa('absent'), /NOT_FOUND: there is no collection "absent"/)
})
