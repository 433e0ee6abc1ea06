import type { X509Certificate } from 'node:crypto'
import type { Log } from './log.ts'
import { nameOf, type TlsMaterial } from './tls-files.ts'

const dayMs = 86_400_000
// Enough for a request by hand to a private authority, and past the point where certbot has renewed by itself.
const warnDays = 21

/**
 * @returns warns of certificates that end soon, have ended or have not begun: of each at once, and again
 * after a day
 */
export function createEndWarnings(
  log: Pick<Log, 'warn' | 'error'>,
  clock: () => Date,
): (material: TlsMaterial) => void {
  let toldAt = new Map<string, number>()
  return ({ chain, clientAuthorities }) => {
    const now = clock()
    const told = new Map<string, number>()
    const all = [
      ...chain.map((one) => ['TAXIWAY_TLS_CERT_FILE', one] as const),
      ...clientAuthorities.map((one) => ['TAXIWAY_TLS_CLIENT_CA_FILE', one] as const),
    ]
    for (const [setting, certificate] of all) {
      const fault = faultOf(certificate, now)
      if (!fault) continue
      const id = `${setting} ${certificate.fingerprint256}`
      const before = toldAt.get(id)
      told.set(id, before ?? now.getTime())
      if (before !== undefined && now.getTime() - before < dayMs) continue
      told.set(id, now.getTime())
      const text = `${setting}: ${nameOf(certificate)} ${fault.text}`
      if (fault.isOver) log.error(text)
      else log.warn(text)
    }
    toldAt = told
  }
}

function faultOf(
  { validFromDate, validToDate }: X509Certificate,
  now: Date,
): { readonly text: string; readonly isOver: boolean } | undefined {
  if (now < validFromDate) {
    const text = `is not valid before ${validFromDate.toISOString()}: is this machine's clock right?`
    return { text, isOver: false }
  }
  if (now > validToDate) {
    const text = `ended on ${validToDate.toISOString()}: nobody should trust it any more; renew it`
    return { text, isOver: true }
  }
  const days = Math.floor((validToDate.getTime() - now.getTime()) / dayMs)
  if (days >= warnDays) return undefined
  const text = `ends in ${days} days, on ${validToDate.toISOString()}: renew it; the file is read again by itself`
  return { text, isOver: false }
}
