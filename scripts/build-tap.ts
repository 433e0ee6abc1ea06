/**
 * Builds tap with the plugins of .taprc, where that has not been done since the last `npm ci`: tap would
 * do so by itself, but loads the plugins that it is to leave out in that first run, and they crash.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const done = 'node_modules/.cache/taxiway-tap-built'
const wanted = createHash('sha256').update(readFileSync('.taprc')).digest('hex')

if (readIfThere(done) !== wanted) {
  execFileSync('tap', ['build'], { stdio: ['ignore', 'ignore', 'inherit'] })
  mkdirSync('node_modules/.cache', { recursive: true })
  writeFileSync(done, wanted)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
