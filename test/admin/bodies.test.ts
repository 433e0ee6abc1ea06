import { connect } from 'node:net'
import t, { type Test } from 'tap'
import type { Db } from '../../src/store/db.ts'
import { openTestStore } from '../helpers/stores.ts'
import { openAccountApp, problemOf, refusal } from './account-app.ts'

const json = { 'content-type': 'application/json' }

/** Every account, as the store has it. */
const names = async (db: Db) =>
  (await db.selectFrom('accounts').select('name').orderBy('name').execute()).map(({ name }) => name)

async function open(t: Test) {
  const { db } = await openTestStore(t, 'postgresql')
  return { db, ...(await openAccountApp(t, db)) }
}

t.test('what is no JSON that everybody reads alike is refused, with its place', async (t) => {
  const { ask, db } = await open(t)
  const secretText = 'hunter2'
  const cases: [body: string | Buffer, place: string, message: RegExp][] = [
    ['', '', /must be an object/],
    ['null', '', /must be an object/],
    ['[]', '', /must be an object/],
    ['"x"', '', /must be an object/],
    ['{', '', /is no JSON/],
    [`{"name": ${secretText}}`, '', /is no JSON/],
    ['{"name":"a"} {}', '', /is no JSON/],
    ['{"name":"a",}', '', /is no JSON/],
    ["{'name':'a'}", '', /is no JSON/],
    ['{"name":"a","name":"b"}', '/name', /is given twice/],
    ['{"name":"a","n\\u0061me":"b"}', '/name', /is given twice/],
    [
      '{"name":"a","grants":[{"collection":"a"},{"read":true,"read":false}]}',
      '/grants/1/read',
      /twice/,
    ],
    ['{"name":"a","a/b~":1,"a/b~":2}', '/a~1b~0', /twice/],
    ['{"name":"a","__proto__":{"role":"administrator"}}', '/__proto__', /not known/],
    ['{"name":"a","\\u005f_proto__":{"role":"administrator"}}', '/__proto__', /not known/],
    [
      '{"name":"a","constructor":{"prototype":{"role":"administrator"}}}',
      '/constructor',
      /not known/,
    ],
    ['{"name":"a","toString":1}', '/toString', /not known/],
    [`{"name":${'['.repeat(65)}${']'.repeat(65)}}`, '', /deeper than 64/],
    [`${'['.repeat(400_000)}${']'.repeat(400_000)}`, '', /deeper than 64/],
    ['['.repeat(900_000), '', /is no JSON/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '', /must be UTF-8/],
    [Buffer.from('{"name":"\u00e9"}', 'latin1'), '', /must be UTF-8/],
    [Buffer.from('{"name":"a"}', 'utf16le'), '', /is no JSON/],
    [`{"name":"a","grants":[${'5,'.repeat(300_000)}5]}`, '/grants', /at most 1000/],
    [`{"name":"${'a'.repeat(900_000)}"}`, '/name', /at most 512/],
    [`{"name":"${'\\"'.repeat(450_000)}"}`, '/name', /at most 512/],
  ]
  for (const [body, place, message] of cases) {
    const told = await ask('POST /api/v1/accounts', { body, headers: json })
    const about = String(body).slice(0, 60)
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), about)
    t.match(told.body.errors[0], { place, message }, about)
    t.notMatch(JSON.stringify(told.body), secretText)
    t.ok(told.body.errors.length <= 21)
    t.ok(JSON.stringify(told.body).length < 10_000, about)
  }
  t.strictSame(await names(db), ['root'])
  t.equal(({} as { role?: string }).role, undefined)
})

t.test('each fault is told, up to twenty and how many more', async (t) => {
  const { ask } = await open(t)
  const grants = Array.from({ length: 50 }, () => ({ collection: 1 }))
  const told = await ask('POST /api/v1/accounts', { body: { name: 'a', grants } })
  t.equal(told.body.errors.length, 21)
  t.match(told.body.errors[0], { place: '/grants/0/collection', message: 'must be text' })
  t.match(told.body.errors[20], { message: 'has 30 more faults' })
})

t.test('what is not JSON, or too much of it, is refused as that', async (t) => {
  const { ask, db } = await open(t)
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonp',
    'application/json-patch+json',
    'x',
  ]
  for (const type of types) {
    const told = await ask('POST /api/v1/accounts', {
      body: '{"name":"a"}',
      headers: { 'content-type': type },
    })
    t.strictSame(refusal(told), problemOf(415, 'UNSUPPORTED_MEDIA_TYPE'), type)
  }
  const charset = await ask('POST /api/v1/accounts', {
    body: '{"name":"b","passwordless":true}',
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })
  t.equal(charset.status, 201)
  const marked = await ask('POST /api/v1/accounts', {
    body: '\ufeff{"name":"c","passwordless":true}',
    headers: json,
  })
  t.equal(marked.status, 201, 'with the byte order mark that some editors write')
  const large = await ask('POST /api/v1/accounts', {
    body: `{"name":"${'a'.repeat(1_048_576)}"}`,
    headers: json,
  })
  t.strictSame(refusal(large), problemOf(413, 'BODY_TOO_LARGE'))
  t.strictSame(await names(db), ['b', 'c', 'root'])
})

t.test('a DELETE may say that it is JSON and send nothing', async (t) => {
  const { ask, letIn } = await open(t)
  await letIn('ana', 'reader')
  const [{ id }] = (await ask('GET /api/v1/accounts/ana/tokens')).body.tokens
  const told = await ask(`DELETE /api/v1/accounts/ana/tokens/${id}`, { headers: json })
  t.equal(told.status, 204)
})

t.test(
  'on a socket: a path that is no encoding, a method that is none, a body that breaks off',
  async (t) => {
    const { app, db, letIn } = await open(t)
    const token = await letIn('root', 'administrator')
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as { port: number }
    const send = (text: string, end = true) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1')
        let answer = ''
        socket.setEncoding('utf8')
        socket.on('data', (piece) => {
          answer += piece
        })
        socket.on('error', reject)
        socket.on('close', () => resolve(answer))
        socket.write(text)
        if (end) socket.end()
      })
    const head = (request: string, more = '') =>
      `${request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n${more}\r\n`
    const bad = await send(head('GET /api/v1/accounts/%E0%A4%A'), false)
    t.match(bad, /^HTTP\/1\.1 400 /)
    t.match(bad, /content-type: application\/problem\+json/i)
    t.match(bad, /"code":"BAD_REQUEST"/)
    for (const path of ['/api/v1/accounts/..%2f..%2fmetrics', '/api/v1/accounts/%2e%2e/x/tokens']) {
      t.match(await send(head(`GET ${path}`), false), /^HTTP\/1\.1 404 /)
    }
    t.match(await send(head('POST /api/v1/account'), false), /^HTTP\/1\.1 404 /)
    t.match(await send(head('TRACE /api/v1/account'), false), /^HTTP\/1\.1 (?:404|405) /)
    const body = '{"name":"half","passwordless":true}'
    const length = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
    await send(head('POST /api/v1/accounts', length) + body.slice(0, 12))
    t.strictSame(await names(db), ['root'])
    t.match(
      await send(head('POST /api/v1/accounts', length) + body, false),
      /^HTTP\/1\.1 201 [\s\S]*"name":"half"/,
    )
  },
)
