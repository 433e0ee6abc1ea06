import { createLog } from '../../src/log.ts'
import { keepEvidence } from './evidence.ts'

let kept = ''

/** What services within a test's own process log: nobody reads it, but no secret may stand in it. */
export function createTestLog() {
  return createLog(process.env.TEST_EVIDENCE_DIR === undefined ? 'silent' : 'debug', {
    write(line) {
      kept += line
      if (kept.length > 64 * 1024) keepLog()
    },
  })
}

function keepLog(): void {
  keepEvidence('log', 'within the test', kept)
  kept = ''
}

process.once('exit', keepLog)
