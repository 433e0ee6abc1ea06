import { pino } from 'pino'

// Wherever they stand in what is logged.
const secrets = [
  'authorization',
  'password',
  'apiKey',
  'passwordHash',
  'token',
  'secret',
  'databaseUrl',
]
  .flatMap((name) => [name, `*.${name}`, `*.*.${name}`])
  .concat(['req.headers', 'res.headers', 'err.config', 'err.options', '*["x-otx-api-key"]'])

/** Logs JSON lines to standard error, so that a command's own output stays clean. */
export function createLog(level: string) {
  return pino({ level, redact: { paths: secrets, censor: '[secret]' } }, pino.destination(2))
}

export type Log = ReturnType<typeof createLog>
