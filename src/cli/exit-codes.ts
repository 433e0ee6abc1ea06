import { TaxiwayError } from '../model/errors.ts'

/** What a command ends with; docs/errors.md and docs/cli.md tell them to scripts. */
export const exitCodes = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  notFound: 3,
  notPermitted: 4,
  unreachable: 5,
  conflict: 6,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The end of every help. */
export const exitCodesText =
  'Exit codes: 0 done, 1 failed, 2 wrong usage, settings or files, 3 not found, 4 not permitted,\n' +
  '5 the server or the store cannot be reached, 6 conflict.'

/** By the error's code, its own or the one that the server gave. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof TaxiwayError)) return exitCodes.failed
  const { code } = error
  const listed = byCode[code]
  if (listed !== undefined) return listed
  if (code.endsWith('_NOT_FOUND')) return exitCodes.notFound
  if (code.endsWith('_EXISTS')) return exitCodes.conflict
  return exitCodes.failed
}

const byCode: Readonly<Record<string, ExitCode>> = {
  CONFIG_INVALID: exitCodes.wrongUsage,
  VALIDATION_FAILED: exitCodes.wrongUsage,
  BAD_REQUEST: exitCodes.wrongUsage,
  BODY_TOO_LARGE: exitCodes.wrongUsage,
  SECRET_KEY_WRONG: exitCodes.wrongUsage,
  OTX_NOT_FOUND: exitCodes.failed,
  UNAUTHORIZED: exitCodes.notPermitted,
  NOT_PERMITTED: exitCodes.notPermitted,
  SERVER_UNREACHABLE: exitCodes.unreachable,
  ANSWER_UNREADABLE: exitCodes.unreachable,
  STORE_UNAVAILABLE: exitCodes.unreachable,
  DATA_DIR_LOCKED: exitCodes.unreachable,
  LAST_ADMINISTRATOR: exitCodes.conflict,
  PRECONDITION_FAILED: exitCodes.conflict,
  IDEMPOTENCY_KEY_REUSED: exitCodes.conflict,
}
