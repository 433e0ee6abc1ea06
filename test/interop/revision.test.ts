import { readdir } from 'node:fs/promises'
import t from 'tap'
import { countBlocks, type PollAnswer, poll } from '../helpers/poll.ts'
import { runCabby } from '../helpers/python.ts'
import { makeFolder, startTaxiway } from '../helpers/taxiway.ts'
import { startDemo } from './demo.ts'

const idsOf = (text: string) =>
  new Set([...text.matchAll(/:indicator-([0-9a-f-]{36})"/g)].map((match) => String(match[1])))
const endOf = ({ text }: PollAnswer) =>
  String(/<taxii_11:Inclusive_End_Timestamp>(.*?)</.exec(text)?.[1])

t.test('a revised pulse: what it lost is gone, what it won comes to who polls on', async (t) => {
  const demo = await startDemo(t, ['--revise-after', '8'], await makeFolder(t))
  const { url, login } = demo
  const network = await poll(url, login, 'esa-network')
  t.notMatch(demo.stdout(), 'has just revised', 'the poll came before')
  t.equal(countBlocks(network.text), demo.printedBlocks.get('esa-network'))
  t.match(demo.stdout(), 'One pulse is revised and one deleted in 8 s')

  await demo.saw(
    /OTX's stand-in has just revised the pulse \w+: some indicators are gone/,
    'stdout',
  )
  const [, published, withdrawn] = await demo.saw(
    /A walk through OTX published ([1-9]\d*) blocks and withdrew (\d+)\./,
    'stdout',
  )
  t.ok(Number(published) > 0)
  t.ok(Number(withdrawn) > 0)
  t.match(demo.stdout(), /It has deleted the pulse \w+: what no other pulse asserts is gone/)
  t.match(demo.stdout(), /A walk through OTX published 0 blocks and withdrew \d+\./)

  const after = await poll(url, login, 'esa-network')
  const delta = await poll(url, login, 'esa-network', { begin: endOf(network) })
  const [old, fresh, news] = [idsOf(network.text), idsOf(after.text), idsOf(delta.text)]
  const gone = [...old].filter((id) => !fresh.has(id))
  const come = [...fresh].filter((id) => !old.has(id))
  t.ok(gone.length > 0, 'a fresh poll does not have what the pulse lost')
  t.ok(come.length > 0, 'and has what it won')
  t.ok(
    come.every((id) => news.has(id)),
    'which a poll that goes on gets too',
  )
  t.notOk(gone.some((id) => news.has(id)))
  t.ok(countBlocks(delta.text) < 50, 'and little else')

  const { stderr } = await runCabby('taxii-poll', [
    ...['--path', `${url}/taxii/poll`, '--username', login.name, '--password', login.password],
    ...['--collection', 'esa-network', '--begin', endOf(network)],
  ])
  t.match(stderr, `${countBlocks(delta.text)} blocks polled`)
})

t.test('a demo that is stopped while it starts removes what it made', async (t) => {
  const folder = await makeFolder(t)
  const demo = startTaxiway(t, ['demo'], { TAXIWAY_PORT: '0' }, { env: { TMPDIR: folder } })
  await demo.saw(/Opening an embedded database/, 'stdout')
  t.match(await readdir(folder), [/^taxiway-demo-/])
  demo.process.kill('SIGTERM')
  const { code, stdout } = await demo.ended
  t.equal(code, 0)
  t.notMatch(stdout, 'What can be polled')
  t.strictSame(await readdir(folder), [])
})
