import { TaxiwayError } from '../model/errors.ts'

/**
 * Says on standard error what happened and sets the exit code: 2 for wrong settings or files, 1 for all else.
 */
export function reportFailure(error: unknown): void {
  if (error instanceof TaxiwayError) {
    for (const line of error.message.split('\n')) console.error(`taxiway: ${line}`)
    process.exitCode = error.code === 'CONFIG_INVALID' ? 2 : 1
    return
  }
  console.error('taxiway: an unexpected error, which is a defect of Taxiway:')
  console.error(error)
  process.exitCode = 1
}
