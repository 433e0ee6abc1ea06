import { TaxiwayError } from '../../model/errors.ts'
import { cutText, maxMessageLength } from './server-text.ts'

/** Stable words for what keeps a device from polling. */
export type FaultKind =
  | 'unreachable'
  | 'unknown-host'
  | 'connection-refused'
  | 'connection-lost'
  | 'timeout'
  | 'untrusted-issuer'
  | 'wrong-host-name'
  | 'expired-certificate'
  | 'certificate-demanded'
  | 'tls'
  | 'not-http'
  | 'http-status'
  | 'unauthorized'
  | 'redirect'
  | 'not-taxii'
  | 'not-xml'
  | 'wrong-message'
  | 'status-message'
  | 'too-large'
  | 'bad-encoding'
  | 'endless'
  | 'foreign-address'
  | 'not-advertised'

/** What keeps a device from polling: what happened, and what to check. Texts of the server are cut here. */
export class PollFault extends TaxiwayError {
  readonly kind: FaultKind
  /** what an operator can do about it, a line each */
  readonly advice: readonly string[]
  /** whether the same request may succeed a moment later */
  readonly retryable: boolean
  constructor(
    kind: FaultKind,
    message: string,
    options: {
      readonly advice?: readonly string[]
      readonly retryable?: boolean
      readonly cause?: unknown
    } = {},
  ) {
    super('POLL_FAILED', cutText(message, maxMessageLength), { cause: options.cause })
    this.kind = kind
    this.advice = (options.advice ?? []).map((line) => cutText(line, maxMessageLength))
    this.retryable = options.retryable ?? false
  }
}
