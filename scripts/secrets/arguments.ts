import { readdirSync, readFileSync } from 'node:fs'
import { writeEvidence } from './evidence.ts'

const everyMs = 100
// Node with our program: a client may be told of it in its own arguments.
const taxiway = /^([^\0]*\/)?node\0([^\0]*\0)*?[^\0]*\/(src\/main\.ts|dist\/main\.js)\0/

/**
 * Reads again and again what `ps` shows of Taxiway's processes, whoever started them, and keeps it as
 * evidence; a process may change it while it runs. Programs that tests run as clients are not ours.
 * @returns ends it
 */
export function watchArguments(folder: string): () => void {
  if (process.platform !== 'linux') return () => {}
  const seen = new Set<string>()
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d/.test(pid)) continue
      const line = readCommandLine(pid)
      if (!taxiway.test(line) || seen.has(line)) continue
      seen.add(line)
      const text = line.replaceAll('\0', ' ')
      writeEvidence(folder, { kind: 'argument', test: 'ps', where: text }, Buffer.from(text))
    }
  }
  const timer = setInterval(look, everyMs)
  return () => clearInterval(timer)
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}
