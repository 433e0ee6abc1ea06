import { TaxiwayError } from '../../model/errors.ts'

/** No connection to the server, or it ended before the answer was whole. */
export class ServerUnreachable extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('SERVER_UNREACHABLE', message, options)
  }
}

/** What answers is no Taxiway, or something between has answered in its place. */
export class AnswerUnreadable extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('ANSWER_UNREADABLE', message, options)
  }
}

export interface Fault {
  /** a JSON pointer into the request, or a parameter's name */
  readonly place: string
  readonly message: string
}

/** The server said no, in a problem of RFC 9457: the code and the words are its own. */
export class RefusedByServer extends TaxiwayError {
  readonly status: number
  readonly faults: readonly Fault[]
  constructor(code: string, message: string, status: number, faults: readonly Fault[]) {
    super(code, message)
    this.status = status
    this.faults = faults
  }
}
