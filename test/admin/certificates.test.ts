import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { describeCertificate } from '../../src/security/certificate-subject.ts'
import { makeCertificate } from '../helpers/certificates.ts'
import { forEachStore, makeFolder, openTestStore } from '../helpers/stores.ts'
import { openAccountApp, problemOf, refusal } from './account-app.ts'

const address = '192.0.2.1'
const place = '/api/v1/accounts/ana/certificates'

t.test(
  'a certificate stands for an account by itself, its fingerprint or its subject',
  async (t) => {
    const { cert, key } = await makeCertificate(makeFolder(t), 'esa1', {
      subject: '/C=DE/O=Exämple, Inc/CN=esa 1',
    })
    const shown = describeCertificate(new X509Certificate(cert))
    const colons = new X509Certificate(cert).fingerprint256
    const byFingerprint = { fingerprint: shown.fingerprint, subject: null }
    const bySubject = { fingerprint: null, subject: 'CN=esa 1, O=Exämple\\, Inc, C=DE' }
    const forms = [
      [{ certificate: cert }, byFingerprint],
      [{ certificate: `Subject: esa1\n${cert.replaceAll('\n', '\r\n')}\nmore` }, byFingerprint],
      [{ fingerprint: colons }, byFingerprint],
      [{ fingerprint: colons.replaceAll(':', '').toLowerCase() }, byFingerprint],
      [{ fingerprint: `sha256 Fingerprint=${colons}` }, byFingerprint],
      [{ subject: 'CN=esa 1,O=Exämple\\, Inc,C=DE' }, bySubject],
      [{ subject: 'cn = esa 1 , o="Exämple, Inc", c=DE' }, bySubject],
      [{ subject: 'CN=esa 1,O=Ex\\C3\\A4mple\\2C Inc,C=DE' }, bySubject],
    ] as const
    await forEachStore(t, async (t, { db }) => {
      const { ask, letIn, identify, logged } = await openAccountApp(t, db)
      await letIn('ana', 'curator')
      await letIn('bea', 'reader')
      for (const [body, told] of forms) {
        const made = await ask(`POST ${place}`, { body })
        t.match(made, { status: 201, body: { ...told, createdBy: 'root' } }, JSON.stringify(body))
        const { id } = made.body
        t.equal(made.headers.location, `${place}/${id}`)
        t.match(await identify.byCertificate(shown, address), {
          account: { name: 'ana' },
          proof: 'certificate',
        })
        for (const name of ['ana', 'bea']) {
          const again = await ask(`POST /api/v1/accounts/${name}/certificates`, { body })
          t.strictSame(refusal(again), problemOf(409, 'CERTIFICATE_EXISTS'), 'one account each')
        }
        t.strictSame((await ask(`GET ${place}`)).body, { certificates: [made.body], next: null })
        t.equal((await ask('GET /api/v1/accounts/ana')).body.certificates, 1)
        const stale = await ask(`DELETE ${place}/${id}`, { headers: { 'if-match': '"x"' } })
        t.strictSame(refusal(stale), problemOf(412, 'PRECONDITION_FAILED'))
        const others = await ask(`DELETE /api/v1/accounts/bea/certificates/${id}`)
        t.strictSame(refusal(others), problemOf(404, 'CERTIFICATE_NOT_FOUND'))
        const etag = { 'if-match': String(made.headers.etag) }
        t.equal((await ask(`DELETE ${place}/${id}`, { headers: etag })).status, 204)
        t.equal(await identify.byCertificate(shown, address), undefined)
        t.strictSame(
          refusal(await ask(`DELETE ${place}/${id}`)),
          problemOf(404, 'CERTIFICATE_NOT_FOUND'),
        )
      }
      t.equal(logged.length, forms.length * 2)
      t.match(logged[0], { details: { by: 'root', proof: 'token', account: 'ana' } })
      t.notMatch(JSON.stringify(logged), key.split('\n')[1])
    })
  },
)

t.test('what is no certificate is refused, with what is wrong and what to send', async (t) => {
  const folder = makeFolder(t)
  const { cert, key } = await makeCertificate(folder, 'esa1')
  const other = await makeCertificate(folder, 'esa2')
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  const lines = cert.trimEnd().split('\n')
  const cases: [body: object, place: string, message: RegExp][] = [
    [{}, '', /one of certificate, fingerprint and subject/],
    [{ fingerprint: 'a'.repeat(64), subject: 'CN=a' }, '', /one of/],
    [{ certificate: 'esa1' }, '/certificate', /no certificate in PEM.*openssl x509 -inform DER/],
    [{ certificate: '' }, '/certificate', /no certificate in PEM/],
    [{ certificate: key + cert }, '/certificate', /holds a private key/],
    [{ certificate: cert + other.cert }, '/certificate', /holds 2 certificates/],
    [{ certificate: lines.toSpliced(3, 2).join('\n') }, '/certificate', /damaged or cut short/],
    [{ certificate: 'x'.repeat(70_000) }, '/certificate', /at most 65536/],
    [
      { fingerprint: 'a'.repeat(63) },
      '/fingerprint',
      /64 hexadecimal digits.*-fingerprint -sha256/,
    ],
    [{ fingerprint: `${'aa:'.repeat(19)}aa` }, '/fingerprint', /SHA-256/],
    [{ fingerprint: 'g'.repeat(64) }, '/fingerprint', /SHA-256/],
    [{ subject: '' }, '/subject', /such as CN=esa1,O=Example/],
    [{ subject: 'esa1' }, '/subject', /RFC2253/],
    [{ subject: 'CN=' }, '/subject', /RFC2253/],
    [{ subject: 'CN=a,' }, '/subject', /RFC2253/],
    [{ subject: 'CN=a\\' }, '/subject', /RFC2253/],
    [{ subject: 'CN="a' }, '/subject', /RFC2253/],
    [{ subjekt: 'CN=a' }, '/subjekt', /known are certificate, fingerprint, subject/],
  ]
  for (const [body, where, message] of cases) {
    const told = await ask(`POST ${place}`, { body })
    const about = JSON.stringify(body).slice(0, 60)
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), about)
    t.match(told.body.errors, [{ place: where, message }], about)
    t.notMatch(JSON.stringify(told.body), key.split('\n')[1], 'what was given is not repeated')
  }
  for (const id of ['0', 'x', '2147483648']) {
    const told = await ask(`DELETE ${place}/${id}`)
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), id)
  }
})
