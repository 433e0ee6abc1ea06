import pg from 'pg'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { startService } from '../../src/service.ts'
import { createTestLog } from '../helpers/log.ts'
import { poll, taxiiHeaders } from '../helpers/poll.ts'
import { runCabby } from '../helpers/python.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder, makeStore } from '../helpers/stores.ts'
import { administrator, fillFeed } from '../service/big-feed.ts'
import { fulfillment } from '../taxii/server.ts'

const blocks = 4_000
const pageSize = 20

const { databaseUrl = '' } = await makeStore(t, 'postgresql')
await fillFeed(databaseUrl, blocks)
const service = await startService(
  readConfig({
    TAXIWAY_DATABASE_URL: databaseUrl,
    TAXIWAY_DATA_DIR: makeFolder(t),
    TAXIWAY_PORT: '0',
    TAXIWAY_SECRET_KEY: secret('secret key'),
  }),
  createTestLog(),
)
t.teardown(() => service.stop())
await service.store.db.updateTable('collections').set({ page_size: pageSize }).execute()
const url = service.address

const packageIdsOf = (text: string) =>
  [...text.matchAll(/<stix:STIX_Package [^>]*\bid="([^"]+)"/g)].map(([, id]) => id)

t.test('cabby gets every block of 200 parts once, and in order', async (t) => {
  const { stdout, stderr } = await runCabby('taxii-poll', [
    ...['--path', `${url}/taxii/poll`, '--collection', 'hashes'],
    ...['--username', administrator.name, '--password', administrator.password],
  ])
  t.match(stderr, `${blocks} blocks polled`)
  t.notMatch(stderr, 'ERROR')
  const ids = packageIdsOf(stdout)
  t.equal(ids.length, blocks)
  t.equal(new Set(ids).size, blocks)
})

/** The rows that PostgreSQL touches for the reading statements of `work`, by running them again. */
async function countRows(work: () => Promise<unknown>): Promise<number> {
  const statements: { text: string; values: unknown[] }[] = []
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function note(this: pg.Client, ...args: unknown[]) {
    const [first, second] = args as [unknown, unknown]
    const { text, values } =
      typeof first === 'string' ? { text: first, values: second } : (first as pg.QueryConfig)
    if (typeof text === 'string' && /^\s*(select|with)\b/i.test(text)) {
      statements.push({ text, values: (values as unknown[]) ?? [] })
    }
    return Reflect.apply(query, this, args)
  } as typeof query
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
  }
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    let rows = 0
    for (const { text, values } of statements.filter(({ text }) => /\bblocks\b/.test(text))) {
      const explained = await client.query(`explain (analyze, format json) ${text}`, values)
      rows += rowsOf(explained.rows[0]['QUERY PLAN'][0].Plan)
    }
    return rows
  } finally {
    await client.end()
  }
}

interface Plan {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Plan[]
}

function rowsOf(plan: Plan): number {
  const removed =
    (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)
  const own = (plan['Actual Rows'] + removed) * plan['Actual Loops']
  return (plan.Plans ?? []).reduce((sum, one) => sum + rowsOf(one), own)
}

t.test('a late part reads no more rows than an early one', async (t) => {
  const { text } = await poll(url, administrator, 'hashes')
  const id = /result_id="([^"]+)"/.exec(text)?.[1] ?? ''
  t.match(text, 'more="true"')
  const ask = async (part: number) => {
    const response = await fetch(`${url}/taxii/poll`, {
      method: 'POST',
      headers: taxiiHeaders(administrator) as Record<string, string>,
      body: fulfillment(id, part, 'hashes'),
    })
    t.equal(packageIdsOf(await response.text()).length, pageSize, `part ${part}`)
  }
  const early = await countRows(() => ask(2))
  const late = await countRows(() => ask(blocks / pageSize - 1))
  t.ok(early >= pageSize, `${early} rows`)
  t.ok(late <= 2 * early, `${late} rows after ${early}`)
  t.ok(late < blocks, `${late} rows`)
})
