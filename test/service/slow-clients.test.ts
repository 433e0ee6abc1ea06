import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { hasBlock, openPoll, poll, pollRequest, readUntil } from '../helpers/poll.ts'
import { runTaxiway, startService } from '../helpers/taxiway.ts'
import { administrator, blocks, makeBigFeed } from './big-feed.ts'

const readers = 20
const settings = { TAXIWAY_DATABASE_URL: await makeBigFeed(t) }

const countOnly = { responseType: 'COUNT_ONLY' } as const

/** One sample of /metrics. */
async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length))
}

const residentMb = (pid: number | undefined) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000

t.test('readers that stop cost little, keep nobody waiting, and are cut off', async (t) => {
  const service = await startService(t, { ...settings, TAXIWAY_SEND_SECONDS: '4' })
  await poll(service.url, administrator, 'hashes')
  const before = residentMb(service.process.pid)
  const answers = await Promise.all(
    Array.from({ length: readers }, async (): Promise<IncomingMessage> => {
      const response = await openPoll(service.url, administrator, pollRequest('hashes'))
      await readUntil(response, hasBlock)
      return response
    }),
  )
  t.match((await poll(service.url, administrator, 'hashes', countOnly)).text, `>${blocks}<`)
  const grown = residentMb(service.process.pid) - before
  // What is not bounded holds all of the 24 MB for each of them.
  t.ok(grown < 150, `${grown} MB more for ${readers} readers that have stopped`)
  await service.saw(
    /"address":"127\.0\.0\.1".*it took nothing of its answer for 4 s \(TAXIWAY_SEND_SECONDS\)/,
  )
  const ended = 'taxiway_connections_ended_total{reason="not reading"}'
  while ((await metric(service.url, ended)) < readers) {
    t.equal((await fetch(`${service.url}/readyz`)).status, 200)
  }
  t.equal(
    service.stderr().split('took nothing of its answer').length - 1,
    1,
    'and a line is enough',
  )
  for (const answer of answers) answer.destroy()
  service.process.kill('SIGTERM')
  t.equal((await service.ended).code, 0)

  const { stdout } = await runTaxiway(t, ['ledger', '--json'], settings)
  t.equal(stdout.split('"broken off"').length - 1, readers)
})

t.test('the settings say how many connections there may be, and how slow a request', async (t) => {
  const service = await startService(t, {
    ...settings,
    TAXIWAY_MAX_CONNECTIONS_PER_ADDRESS: '5',
    TAXIWAY_HEAD_SECONDS: '1',
  })
  const port = Number(new URL(service.url).port)
  const sockets = Array.from({ length: 8 }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    socket.on('error', () => {})
    t.teardown(() => {
      socket.destroy()
    })
    socket.write('GET /livez HTTP/1.1\r\nHost')
    return new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
  })
  await service.saw(/"address":"127\.0\.0\.2".*it was idle, and another client needed the place/)
  await service.saw(/the head of its request was not whole after 1 s \(TAXIWAY_HEAD_SECONDS\)/)
  await Promise.all(sockets)
  const ended = (reason: string) =>
    metric(service.url, `taxiway_connections_ended_total{reason="${reason}"}`)
  t.equal(await ended('made room'), 3)
  t.equal(await ended('slow head'), 5)
  t.ok((await metric(service.url, 'taxiway_connections{state="open"}')) >= 1)
})
