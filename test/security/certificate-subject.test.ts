import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { canonicalSubject, describeCertificate } from '../../src/security/certificate-subject.ts'
import { makeCertificate } from '../helpers/certificates.ts'
import { makeFolder } from '../helpers/stores.ts'

t.test('a subject that is written as it was told is the same subject', (t) => {
  const type = fc.constantFrom('CN', 'O', 'OU', 'UID', 'emailAddress', '1.2.3.4', 'FOO')
  const value = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 12 })
    .filter((text) => text.isWellFormed())
  const escaped = (text: string) =>
    [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
  fc.assert(
    fc.property(fc.array(fc.tuple(type, value), { minLength: 1, maxLength: 4 }), (parts) => {
      const written = parts.map(([type, value]) => `${type}=${escaped(value)}`).join(',')
      const told = canonicalSubject(written)
      t.type(told, 'string')
      t.equal(canonicalSubject(String(told)), told)
      const loose = parts.map(([type, value]) => `  ${type.toLowerCase()} = ${escaped(value)} `)
      t.equal(canonicalSubject(loose.join(' ,')), told)
      // Another value is another subject.
      t.not(canonicalSubject(written.replace('=', '=x')), told)
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test(
  'what OpenSSL prints of a certificate is the subject that the TLS layer tells',
  async (t) => {
    const folder = makeFolder(t)
    const subjects = [
      ['/CN=esa1', 'CN=esa1'],
      ['/C=DE/O=Exämple, Inc/CN=esa 1', 'CN=esa 1,O=Ex\\C3\\A4mple\\, Inc,C=DE'],
      ['/O=a#b<c>;d/OU=#x/CN="q"', 'CN=\\"q\\",OU=\\#x,O=a#b\\<c\\>\\;d'],
      ['/DC=org/DC=example/UID=7/emailAddress=a@b.c', 'emailAddress=a@b.c,UID=7,DC=example,DC=org'],
      ['/O= two /CN=back\\\\slash', 'CN=back\\\\slash,O=\\ two\\ '],
    ] as const
    for (const [index, [subject, printed]] of subjects.entries()) {
      const { cert } = await makeCertificate(folder, `c${index}`, { subject })
      const told = describeCertificate(new X509Certificate(cert))
      t.equal(told.subject, canonicalSubject(printed), subject)
      t.match(told.fingerprint, /^[0-9a-f]{64}$/)
    }
  },
)

t.test('types that OpenSSL calls alike but for capitals are told apart', async (t) => {
  const folder = makeFolder(t)
  const subjectOf = async (name: string, subject: string) => {
    const { cert } = await makeCertificate(folder, name, { subject })
    return describeCertificate(new X509Certificate(cert)).subject
  }
  t.equal(await subjectOf('user', '/O=Example/UID=esa1'), canonicalSubject('UID=esa1,O=Example'))
  const unique = await subjectOf('unique', '/O=Example/uid=esa1')
  t.not(unique, canonicalSubject('uid=esa1,O=Example'))
  t.equal(unique, canonicalSubject('0.9.2342.19200300.100.1.44=esa1,O=Example'))
  t.equal(await subjectOf('lower', '/mail=a@b.c'), canonicalSubject('mail=a@b.c'))
  t.equal(await subjectOf('upper', '/Mail=a@b.c'), canonicalSubject('1.3.6.1.7=a@b.c'))
})
