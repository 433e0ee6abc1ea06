import { errorToText } from '../log-secrets.ts'
import { TaxiwayError } from '../model/errors.ts'
import { exitCodeOf } from './exit-codes.ts'

/** Says on standard error what happened and sets the exit code. */
export function reportFailure(error: unknown): void {
  process.exitCode = exitCodeOf(error)
  if (error instanceof TaxiwayError) {
    for (const line of error.message.split('\n')) console.error(`taxiway: ${line}`)
    return
  }
  console.error('taxiway: an unexpected error, which is a defect of Taxiway:')
  console.error(errorToText(error))
}
