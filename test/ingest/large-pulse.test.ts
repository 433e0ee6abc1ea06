import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import t from 'tap'
import { createJudge } from '../../src/curation/judge.ts'
import { judgeReport } from '../../src/intake/judge-report.ts'
import { isRejection, pulseToReport } from '../../src/sources/otx/pulse.ts'
import { buildOtxStandin } from '../../src/standins/otx.ts'
import { isSuppressedBy } from '../../src/store/assertions.ts'
import { openStore } from '../../src/store/db.ts'
import { makeSyntheticPulses } from '../faults/synthetic-pulses.ts'
import { findFaults } from '../helpers/sound-feed.ts'
import { makeStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake } from '../intake/reports.ts'

const program = fileURLToPath(new URL('../faults/ingest-process.ts', import.meta.url))
const indicators = 100_000

// What a walk needs that streams is some 60 MB; one that keeps the pulse whole ends at this with "heap out of memory".
const heapMb = 96

t.test('a pulse of 100,000 indicators streams through a small heap', async (t) => {
  const pulses = makeSyntheticPulses(1, indicators)
  const otx = buildOtxStandin({ pulses, apiKey: 'k3y-of-the-tests', indicatorsShown: 50 })
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  const place = await makeStore(t, 'postgresql')
  const store = await openStore(place)
  t.teardown(() => store.close())
  await createTestIntake(t, store.db).settle(aCollection({ maxTlp: 'green' }))

  const args = [`--max-old-space-size=${heapMb}`, program, url, String(place.databaseUrl), '']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const errors: Buffer[] = []
  child.stderr.on('data', (data: Buffer) => errors.push(data))
  const [code] = await once(child, 'close')
  t.equal(code, 0, Buffer.concat(errors).toString())

  const { rows } = await sql`
    select (select count(*)::integer from assertions) as assertions,
      (select count(*)::integer from assertions where not suppressed) as surviving,
      (select count(distinct subject_id)::integer
        from blocks b join collections c on c.id = b.collection_id where name = 'all') as published,
      (select count(*)::integer from rejections) as rejected,
      (select count(*)::integer from reports where digest is not null and reading is null) as whole`.execute(
    store.db,
  )
  const wanted = judgeWhole(pulses[0])
  t.ok(wanted.surviving > 50_000)
  t.same(rows, [wanted])
  t.same(await findFaults(store.db), {})
  const pages = otx.requests.filter((request) => request.includes('/indicators?'))
  t.equal(pages.length, Math.ceil(indicators / 1024))
})

/** The same pulse read and judged in one piece. */
function judgeWhole(pulse: unknown) {
  const now = new Date('2026-06-01T00:00:00Z')
  const read = pulseToReport(pulse, { defaultTlp: 'white', confidence: 25, now })
  if (isRejection(read)) throw new Error(read.detail)
  const report = { ...read.report, source: 'otx' }
  const judged = judgeReport(report, read.assertions, now, createJudge())
  const surviving = judged.filter(({ columns }) => !isSuppressedBy(columns.suppressions)).length
  return {
    assertions: judged.length,
    surviving,
    published: surviving,
    rejected: read.rejections.length,
    whole: 1,
  }
}
