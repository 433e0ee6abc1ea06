import type { Config } from './config.ts'
import type { Intake } from './intake/intake.ts'
import type { Log } from './log.ts'

/** Makes the function that brings the store's warninglists in line with the starter set and the folder. */
export function createWarninglistSync(
  _config: Pick<Config, 'warninglistsDir'>,
  _log: Log,
): (intake: Intake) => Promise<void> {
  return async () => {}
}
