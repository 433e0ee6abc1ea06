import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { type Evidence, readAllEvidence } from '../../scripts/secrets/evidence.ts'

// The evidence of this file is its own, so that what is planted here does not fail the run.
const { TEST_EVIDENCE_DIR } = process.env
const folder = mkdtempSync(join(tmpdir(), 'taxiway-recorded-'))
process.env.TEST_EVIDENCE_DIR = folder
await import('./record-answers.ts')
t.teardown(() => {
  if (TEST_EVIDENCE_DIR === undefined) delete process.env.TEST_EVIDENCE_DIR
  else process.env.TEST_EVIDENCE_DIR = TEST_EVIDENCE_DIR
  rmSync(folder, { recursive: true, force: true })
})

interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: string
  readonly status?: number
  readonly answer: object | string
}

/** @returns what was kept of one answer, over a socket or by inject */
async function record(t: Test, asked: Asked, how: 'socket' | 'inject'): Promise<Evidence[]> {
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  const { method, url, status = 200, answer } = asked
  app.route({
    method,
    url,
    handler: (_, reply) => reply.code(status).header('x-told', `told-${how}`).send(answer),
  })
  const before = [...readAllEvidence(folder)].length
  if (how === 'inject') await app.inject({ method, url })
  else {
    const base = await app.listen({ port: 0, host: '127.0.0.1' })
    const closed = new Promise((resolve) =>
      app.server.once('request', (_, response) => once(response, 'close').then(resolve)),
    )
    await (await fetch(base + url, { method })).text()
    await closed
  }
  await new Promise(setImmediate)
  return [...readAllEvidence(folder)].slice(before)
}

for (const how of ['socket', 'inject'] as const) {
  t.test(`an answer is kept whole, with its headers: by ${how}`, async (t) => {
    const answer = { secret: `kept-${how}` }
    const kept = await record(t, { method: 'GET', url: '/api/v1/accounts', answer }, how)
    t.strictSame(
      kept.map(({ kind, where }) => [kind, where]),
      [
        ['answer', 'body of GET /api/v1/accounts 200'],
        ['answer', 'headers of GET /api/v1/accounts 200'],
      ],
    )
    t.equal(String(kept[0]?.body), JSON.stringify(answer))
    t.match(String(kept[1]?.body), `x-told: told-${how}`)
  })

  t.test(`what is shown once by contract is left out, and nothing else: by ${how}`, async (t) => {
    for (const [method, url, property] of [
      ['POST', '/api/v1/accounts', 'password'],
      ['PUT', '/api/v1/accounts/esa1/password', 'password'],
      ['POST', '/api/v1/accounts/esa1/tokens', 'token'],
      ['POST', '/management/auth', 'token'],
    ] as const) {
      const answer = { [property]: 'shown once', other: `kept by ${how} of ${url}` }
      const [body] = await record(t, { method, url, answer }, how)
      t.strictSame(JSON.parse(String(body?.body)), { other: answer.other })
      const refused = {
        method,
        url,
        status: 400,
        answer: { [property]: `in an error, ${url} ${how}` },
      }
      t.match(String((await record(t, refused, how))[0]?.body), 'in an error')
    }
  })
}

t.test('a large answer is kept in pieces that overlap', async (t) => {
  const answer = `${'x'.repeat(256 * 1024 - 6)}half-and-half${'y'.repeat(300 * 1024)}`
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  app.get('/large', (_, reply) => {
    reply.hijack()
    const middle = 256 * 1024
    reply.raw.write(answer.slice(0, middle))
    reply.raw.end(answer.slice(middle))
  })
  await app.inject('/large')
  await new Promise(setImmediate)
  const kept = [...readAllEvidence(folder)].filter(
    ({ where }) => where === 'body of GET /large 200',
  )
  t.ok(kept.length > 1)
  t.ok(kept.some(({ body }) => body.includes('half-and-half')))
})
