import { access, constants, mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ConfigError } from './model/errors.ts'

/**
 * Makes the data folder where it is missing.
 * @throws ConfigError where it cannot be made or written to
 */
export async function ensureDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.W_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ConfigError(
      `TAXIWAY_DATA_DIR names ${resolve(dataDir)}, which cannot be used (${code})`,
      { cause },
    )
  }
}
