import {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findProgram, runOrThrow } from './process.ts'

/**
 * Installs Debian's packages. Their services are not started: the tests run servers of their own.
 * @throws with what to install by hand, when this is not Debian or we are not root
 */
export async function installDebianPackages(what: string, packages: string[]): Promise<void> {
  const aptGet = findAptGet()
  if (aptGet === undefined) {
    throw new Error(
      `${what} is missing. Install it (Debian: apt-get install ${packages.join(' ')}), ` +
        'start a Docker engine, or run this as root on Debian, where it is installed for you.',
    )
  }
  await withLock(join(tmpdir(), 'taxiway-apt.lock'), async () => {
    console.error(`installing ${packages.join(', ')}`)
    const allowServices = forbidServiceStarts()
    try {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
      const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
      await runOrThrow(aptGet, ['update', ...options], { env })
      await runOrThrow(aptGet, ['install', ...options, '--no-install-recommends', ...packages], {
        env,
      })
    } finally {
      allowServices()
    }
  })
}

/** Whether this is Debian and we are root. */
export function canInstall(): boolean {
  return findAptGet() !== undefined
}

function findAptGet(): string | undefined {
  return process.getuid?.() === 0 ? findProgram('apt-get') : undefined
}

/** Debian's way to keep packages from starting their services; an existing policy stays. */
function forbidServiceStarts(): () => void {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return () => {}
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  return () => rmSync(policy, { force: true })
}

/** Runs `work` while no other process on this machine does so under the same lock file. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true })
  while (!takeLock(path)) await delay(200)
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function takeLock(path: string): boolean {
  try {
    const file = openSync(path, 'wx')
    writeSync(file, String(process.pid))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (!isHolderAlive(path)) rmSync(path, { force: true })
    return false
  }
}

function isHolderAlive(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    // Empty for the moment between its creation and its writing.
    if (pid === 0) return true
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
