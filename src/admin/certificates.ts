import { type Static, Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import { CertificateExists, CertificateNotFound } from '../model/errors.ts'
import {
  canonicalFingerprint,
  canonicalSubject,
  readCertificate,
} from '../security/certificate-subject.ts'
import {
  createCertificate,
  deleteCertificate,
  findCertificateForChange,
  readCertificates,
  type StoredCertificate,
} from '../store/certificates.ts'
import { getAccountForChange, getAccountView, logChange } from './account-access.ts'
import { accountParams } from './account-schemas.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { ValidationFailed } from './errors.ts'
import { checkPrecondition, etagOf } from './etag.ts'
import { answerOnce } from './idempotency.ts'
import type { AdminParts } from './parts.ts'
import {
  answer,
  closed,
  ifMatchHeaders,
  moment,
  noContent,
  nullable,
  pageOf,
  pageQuery,
  refusals,
  toPage,
  usualPerPage,
} from './schemas.ts'
import type { AdminScope } from './scope.ts'

const tags = ['accounts']
export const certificateSchema = Type.Object({
  id: Type.Integer(),
  fingerprint: nullable(
    Type.String(),
    'SHA-256 of the certificate, 64 hexadecimal digits: this certificate alone.',
  ),
  subject: nullable(
    Type.String(),
    'Its distinguished name, such as `CN=esa1, O=Example`: each certificate of this name that the CA has signed.',
  ),
  createdBy: Type.String({ description: 'The account that made it.' }),
  createdAt: moment('When it was made.'),
})
export const newCertificate = closed(
  {
    certificate: Type.Optional(
      Type.String({ description: 'In PEM; kept is its fingerprint.', maxLength: 65_536 }),
    ),
    fingerprint: Type.Optional(
      Type.String({
        description: 'SHA-256, in hexadecimal, with or without colons.',
        maxLength: 256,
      }),
    ),
    subject: Type.Optional(
      Type.String({
        description:
          'A distinguished name as RFC 4514 writes it, its most particular part first, such as `CN=esa1,O=Example`.',
        maxLength: 1_024,
      }),
    ),
  },
  'One of the three.',
)

/** Client certificates that stand for an account. */
export function certificateRoutes(scope: AdminScope, parts: AdminParts): void {
  const { db, log } = parts

  scope.get(
    '/api/v1/accounts/:name/certificates',
    {
      config: { permission: 'accounts:read' },
      schema: {
        operationId: 'listCertificates',
        summary: 'The client certificates that stand for an account',
        tags,
        params: accountParams,
        querystring: pageQuery,
        response: { 200: pageOf('certificates', certificateSchema) },
      },
    },
    async ({ params, query: { limit = usualPerPage, cursor } }) => {
      const { id } = await getAccountView(db, params.name)
      const key = Type.Tuple([Type.Integer({ minimum: 0, maximum: maxId })])
      const [after] = cursor === undefined ? [] : decodeCursor('certificates', cursor, key)
      const rows = await readCertificates(db, id, {
        ...(after !== undefined && { after }),
        limit: limit + 1,
      })
      const { page, next } = toPage(rows, limit, (last) => encodeCursor('certificates', [last.id]))
      return { certificates: page.map(certificateToJson), next }
    },
  )

  scope.post(
    '/api/v1/accounts/:name/certificates',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'createCertificate',
        summary: 'Let a client certificate stand for an account',
        tags,
        params: accountParams,
        body: newCertificate,
        response: {
          201: answer('It does.', certificateSchema, 'Location', 'ETag', 'Idempotency-Replayed'),
          ...refusals(409),
        },
      },
    },
    async (request, reply) => {
      const { body, params } = request
      const caller = getCaller(request)
      const told = readTold(body)
      return answerOnce(request, reply, parts, async (trx) => {
        const account = await getAccountForChange(trx, request, params.name)
        const createdBy = caller.account.name
        const made = await createCertificate(trx, account.id, { ...told, createdBy })
        if (!made)
          throw new CertificateExists(told.subject ?? `the fingerprint ${told.fingerprint}`)
        const { id } = made
        const place = `/api/v1/accounts/${encodeURIComponent(account.name)}/certificates/${id}`
        const details = { account: account.name, certificate: id, ...told }
        return {
          status: 201,
          headers: { Location: place, ETag: etagOf(certificateToJson(made)) },
          body: certificateToJson(made),
          afterCommit: () =>
            logChange(log, caller, details, 'let a certificate stand for an account'),
        }
      })
    },
  )

  scope.delete(
    '/api/v1/accounts/:name/certificates/:id',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'deleteCertificate',
        summary: 'Let a client certificate stand for an account no more',
        tags,
        params: closed({
          ...accountParams.properties,
          id: Type.Integer({ minimum: 1, maximum: maxId }),
        }),
        headers: ifMatchHeaders,
        response: { 204: noContent('It lets nobody in any more.'), ...refusals(412) },
      },
    },
    async (request, reply) => {
      const { id, name } = request.params
      const account = await db.transaction().execute(async (trx) => {
        const account = await getAccountForChange(trx, request, name)
        const certificate = await findCertificateForChange(trx, account.id, id)
        if (!certificate) throw new CertificateNotFound(account.name, id)
        checkPrecondition(request, etagOf(certificateToJson(certificate)))
        await deleteCertificate(trx, id)
        return account
      })
      const details = { account: account.name, certificate: id }
      logChange(log, getCaller(request), details, 'let a certificate stand for an account no more')
      return reply.code(204).send(null)
    },
  )
}

// The column is an integer of four bytes.
const maxId = 2 ** 31 - 1

/** What the certificate is told by. */
function readTold({
  certificate,
  fingerprint,
  subject,
}: Static<typeof newCertificate>): Pick<StoredCertificate, 'fingerprint' | 'subject'> {
  const given = [certificate, fingerprint, subject].filter((one) => one !== undefined)
  if (given.length !== 1) throw refuse('', 'must have one of certificate, fingerprint and subject')
  if (certificate !== undefined) {
    const read = readCertificate(certificate)
    if ('fault' in read) throw refuse('/certificate', read.fault)
    return { fingerprint: read.fingerprint, subject: null }
  }
  if (fingerprint !== undefined) {
    const canonical = canonicalFingerprint(fingerprint)
    if (canonical !== undefined) return { fingerprint: canonical, subject: null }
    throw refuse(
      '/fingerprint',
      'must be a SHA-256 of 64 hexadecimal digits, with or without colons, as "openssl x509 -noout -fingerprint -sha256" prints it',
    )
  }
  const canonical = canonicalSubject(subject ?? '')
  if (canonical !== undefined) return { fingerprint: null, subject: canonical }
  throw refuse(
    '/subject',
    'must be a distinguished name such as CN=esa1,O=Example, as "openssl x509 -noout -subject -nameopt RFC2253" prints it',
  )
}

function refuse(place: string, message: string): ValidationFailed {
  return new ValidationFailed([{ place, message }])
}

function certificateToJson(certificate: StoredCertificate): Static<typeof certificateSchema> {
  const { id, fingerprint, subject, createdBy, createdAt } = certificate
  return { id, fingerprint, subject, createdBy, createdAt: createdAt.toISOString() }
}
