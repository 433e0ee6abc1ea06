import t from 'tap'
import { readCertificate } from '../../src/security/certificate-subject.ts'
import { grantRead } from '../../src/store/accounts.ts'
import { createCertificate } from '../../src/store/certificates.ts'
import { readXml } from '../../src/xml/read.ts'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { childText, pollRequest, taxiiHeaders } from '../taxii/server.ts'
import { type Ask, basic, bearer, startApp } from './server.ts'

const folder = await makeFolder(t)
const [serverCa, clientCa, strangerCa] = await Promise.all([
  makeAuthority(folder, 'server-ca'),
  makeAuthority(folder, 'client-ca'),
  makeAuthority(folder, 'stranger-ca'),
])
const subject = '/O=Example/CN=esa1'
const [server, known, renewed, unknown, stranger, root] = await Promise.all([
  makeCertificate(folder, 'server', { issuer: serverCa }),
  makeCertificate(folder, 'known', { issuer: clientCa, subject }),
  makeCertificate(folder, 'renewed', { issuer: clientCa, subject }),
  makeCertificate(folder, 'unknown', { issuer: clientCa, subject: '/CN=unknown' }),
  makeCertificate(folder, 'stranger', { issuer: strangerCa, subject }),
  makeCertificate(folder, 'root', { issuer: clientCa, subject: '/CN=root' }),
])
const app = await startApp(t, {
  tls: {
    cert: server.cert,
    key: server.key,
    ca: clientCa.cert,
    requestCert: true,
    rejectUnauthorized: false,
  },
})
const esa1 = await app.addAccount('esa1')
const esa2 = await app.addAccount('esa2')
const administrator = await app.addAccount('root', 'administrator')
const all = await app.db.selectFrom('collections').select('id').where('name', '=', 'all').execute()
await grantRead(app.db, esa1.account.id, Number(all[0]?.id))

async function map(accountId: number, pem: string, by: 'fingerprint' | 'subject') {
  const read = readCertificate(pem)
  if ('fault' in read) throw new Error(read.fault)
  const row = { fingerprint: null, subject: null, createdBy: 'test', [by]: read[by] }
  await createCertificate(app.db, accountId, row)
}
await map(esa1.account.id, known.cert, 'subject')
await map(administrator.account.id, root.cert, 'fingerprint')

type Shown = { readonly cert: string; readonly key: string } | undefined

function ask(shown: Shown, how: Ask) {
  const pair = shown && { cert: shown.cert, key: shown.key }
  return app.ask({ ...how, tls: { ca: serverCa.cert, ...pair } })
}

/** @returns `200 esa1 certificate`, or the status with why */
async function whoAmI(shown: Shown, authorization?: string) {
  const headers = { Authorization: authorization }
  const { status, text } = await ask(shown, { path: '/api/v1/account', headers })
  const { name, proof, detail } = JSON.parse(text)
  return status === 200 ? `200 ${name} ${proof}` : `${status} ${detail}`
}

async function poll(shown: Shown, authorization?: string) {
  const { status, text, headers } = await ask(shown, {
    method: 'POST',
    path: '/taxii/poll',
    headers: {
      ...taxiiHeaders,
      'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:https:1.0',
      Authorization: authorization,
    },
    body: pollRequest(undefined, 'all'),
  })
  const root = readXml(Buffer.from(text))
  const message = childText(root, 'Message') ?? ''
  return { status, name: root.name, message, challenge: headers['www-authenticate'] }
}

t.test('a certificate is its account, over TAXII and over REST', async (t) => {
  t.equal(await whoAmI(known), '200 esa1 certificate')
  t.equal(await whoAmI(root), '200 root certificate')
  t.equal(await whoAmI(renewed), '200 esa1 certificate', 'by its subject')
  t.match(await poll(known), { status: 200, name: 'Poll_Response' })
})

t.test('one that is no account’s is a 401 that says so', async (t) => {
  t.match(await whoAmI(unknown), /^401 The client certificate belongs to no account/)
  t.match(await poll(unknown), {
    status: 401,
    message: /client certificate belongs to no account/,
    challenge: /^Basic /,
  })
})

t.test('one that is not trusted is none, whatever stands in it', async (t) => {
  for (const none of [stranger, undefined]) {
    t.match(await whoAmI(none), /^401 A bearer token is needed/)
    t.match(await poll(none), { status: 401, message: 'a valid name and password are needed' })
  }
})

t.test('an Authorization header wins over a certificate, also a wrong one', async (t) => {
  const { token } = await app.addToken(esa2.account.id)
  t.equal(await whoAmI(known, bearer(token)), '200 esa2 token')
  t.match(await whoAmI(known, bearer('abc')), /^401 The bearer token is not valid/)
  t.match(await whoAmI(root, basic('root', administrator.password)), /^401 Basic is not accepted/)
  t.match(await whoAmI(root, ''), /^401 /)
  t.match(await poll(known, basic('esa2', esa2.password)), { message: /no collection "all"/ })
  t.match(await poll(known, basic('esa1', 'wrong')), { status: 401 })
  t.match(await poll(known, bearer('abc')), { status: 200, message: /bearer token is not valid/ })
  t.match(await poll(known, 'Digest x'), { status: 401 })
})

t.test('a page of another site does nothing with the certificate that rides along', async (t) => {
  const change = (headers: Record<string, string>) =>
    ask(root, {
      method: 'PUT',
      path: '/api/v1/accounts/esa2/grants/all',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: '{"read":true,"write":false}',
    })
  t.equal((await change({ 'Sec-Fetch-Site': 'cross-site' })).status, 403)
  t.equal((await change({ Origin: 'https://evil.example' })).status, 403)
  t.equal((await change({})).status, 200)
})
