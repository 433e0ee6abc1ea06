import { appendFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where a secret must never stand. */
export type EvidenceKind = 'log' | 'output' | 'answer' | 'argument' | 'database'

const root = fileURLToPath(new URL('../../', import.meta.url))
// Processes that a test starts count as that test.
const test = process.env.TEST_EVIDENCE_TEST ?? relative(root, process.argv[1] ?? '')

/**
 * Keeps what a secret must not stand in, for the search when all tests have ended. Does nothing where
 * nobody searches: TEST_EVIDENCE_DIR is set by scripts/with-services.ts. The file is the process's own, and
 * each piece is one write, so that a process can be killed at any time and spoils nothing.
 * @param where what of the test it is, such as a route or a table
 */
export function keepEvidence(kind: EvidenceKind, where: string, text: string | Uint8Array): void {
  const folder = process.env.TEST_EVIDENCE_DIR
  if (folder === undefined || text.length === 0) return
  const body = Buffer.from(text as string)
  const head = JSON.stringify({ kind, test, where, bytes: body.length })
  appendFileSync(
    join(folder, `${process.pid}.evidence`),
    Buffer.concat([Buffer.from(`${head}\n`), body, Buffer.from('\n')]),
  )
}

/** What a process that this test starts needs in its environment to keep evidence under this test's name. */
export function evidenceEnvironment(): NodeJS.ProcessEnv {
  const { TEST_EVIDENCE_DIR } = process.env
  return TEST_EVIDENCE_DIR === undefined ? {} : { TEST_EVIDENCE_DIR, TEST_EVIDENCE_TEST: test }
}
