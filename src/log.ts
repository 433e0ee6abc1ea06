import { pino } from 'pino'
import { blotOut, withoutSecrets } from './log-secrets.ts'

/** Logs JSON lines to standard error, so that a command's own output stays clean. No secret stands in them. */
export function createLog(
  level: string,
  destination: { write(line: string): void } = standardError(),
) {
  return pino(
    {
      level,
      formatters: { log: withoutSecrets },
      hooks: { streamWrite: blotOut },
    },
    destination,
  )
}

const standardError = () => pino.destination(2)

export type Log = ReturnType<typeof createLog>
