import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import type { ClientCertificate } from '../model/account.ts'
import { describeCertificate } from '../security/certificate-subject.ts'

interface Presented {
  readonly certificate: ClientCertificate
  readonly validFrom: Date
  readonly validTo: Date
}

const presentedOn = new WeakMap<TLSSocket, Presented | undefined>()

/**
 * The certificate that the client of this connection has proved to own, signed by an authority of
 * TAXIWAY_TLS_CLIENT_CA_FILE and valid now; not that of a client behind a proxy.
 * @returns undefined: none, one that is not trusted, or no TLS
 */
export function findClientCertificate(
  request: FastifyRequest,
  now = new Date(),
): ClientCertificate | undefined {
  const { socket } = request.raw
  // Node says "authorized" also of a resumed session of TLS 1.3 in which no certificate was shown.
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  if (!presentedOn.has(socket)) presentedOn.set(socket, readPresented(socket))
  const presented = presentedOn.get(socket)
  // A connection may stay open for longer than its certificate is valid.
  if (!presented || now < presented.validFrom || now > presented.validTo) return undefined
  return presented.certificate
}

function readPresented(socket: TLSSocket): Presented | undefined {
  const certificate = socket.getPeerX509Certificate()
  return (
    certificate && {
      certificate: describeCertificate(certificate),
      validFrom: certificate.validFromDate,
      validTo: certificate.validToDate,
    }
  )
}
