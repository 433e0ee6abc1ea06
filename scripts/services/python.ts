import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installDebianPackages, withLock } from './install.ts'
import { findProgram, run, runOrThrow } from './process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Makes a Python virtual environment in .cache with a requirements file's packages, or finds the
 * one made before. Changed requirements get a new one.
 * @returns the path of its python, beside which the packages' commands are
 */
export async function ensurePython(requirementsFile: string): Promise<string> {
  const requirements = join(root, 'scripts', requirementsFile)
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(root, '.cache', 'python', hash)
  const python = join(folder, 'bin', 'python')
  const complete = join(folder, 'complete')
  if (existsSync(complete)) return python

  return withLock(`${folder}.lock`, async () => {
    if (existsSync(complete)) return python
    console.error(`making a Python environment with ${requirementsFile}`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(dirname(folder), { recursive: true })
    await runOrThrow(await ensureVenv(), ['-m', 'venv', folder])
    // Most modules are never imported: to compile them takes as long as to install them.
    await runOrThrow(python, [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'],
      ...['--no-compile', '-r', requirements],
    ])
    writeFileSync(complete, '')
    return python
  })
}

/** @returns a python3 that can make virtual environments; Debian's own cannot without a package */
async function ensureVenv(): Promise<string> {
  const found = await findPythonWithVenv()
  if (found !== undefined) return found
  await installDebianPackages('Python 3 with its venv module', ['python3', 'python3-venv'])
  const installed = await findPythonWithVenv()
  if (installed === undefined) throw new Error('python3 cannot make virtual environments')
  return installed
}

async function findPythonWithVenv(): Promise<string | undefined> {
  const candidates = [findProgram('python3'), '/usr/bin/python3'].filter(
    (path) => path !== undefined,
  )
  for (const candidate of candidates) {
    if ((await run(candidate, ['-c', 'import ensurepip, venv'])).code === 0) return candidate
  }
  return undefined
}
