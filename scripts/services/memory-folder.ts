import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { join } from 'node:path'

const place = '/dev/shm'
const prefix = 'taxiway-tests-'
// A run needs about one: databases, and data folders of 40 MB each.
const enoughBytes = 4 * 1024 ** 3

/**
 * Makes a folder in memory for what tests write, where the system has enough of it: to copy an embedded database of
 * more than a thousand files to a disk takes many times what its test does.
 * @returns undefined where there is no such place, or too little memory
 */
export function makeMemoryFolder(): { readonly path: string; remove(): void } | undefined {
  if (!canHold()) return undefined
  removeLeftOver()
  const path = mkdtempSync(join(place, `${prefix}${process.pid}-`))
  chmodSync(path, 0o755)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

function canHold(): boolean {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
    const mount = mounts.map((line) => line.split(' ')).find(([, path]) => path === place)
    // Tests also write programs, and run them.
    if (mount?.[2] !== 'tmpfs' || mount[3]?.split(',').includes('noexec')) return false
    const { bavail, bsize } = statfsSync(place)
    return Math.min(bavail * bsize, process.availableMemory()) > enoughBytes
  } catch {
    return false
  }
}

/** Of runs that were killed. */
function removeLeftOver(): void {
  for (const name of readdirSync(place)) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue
    rmSync(join(place, name), { recursive: true, force: true })
  }
}
