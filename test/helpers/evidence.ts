import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EvidenceKind, writeEvidence } from '../../scripts/secrets/evidence.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
// Processes that a test starts count as that test.
const test = process.env.TEST_EVIDENCE_TEST ?? relative(root, process.argv[1] ?? '')

/**
 * Keeps what a secret must not stand in, for the search when all tests have ended. Does nothing where
 * nobody searches: TEST_EVIDENCE_DIR is set by scripts/with-services.ts.
 * @param where what of the test it is, such as a route or a table
 */
export function keepEvidence(kind: EvidenceKind, where: string, body: string | Uint8Array): void {
  const folder = process.env.TEST_EVIDENCE_DIR
  if (folder === undefined || body.length === 0) return
  writeEvidence(folder, { kind, test, where }, typeof body === 'string' ? Buffer.from(body) : body)
}

/** What a process that this test starts needs in its environment to keep evidence under this test's name. */
export function evidenceEnvironment(): NodeJS.ProcessEnv {
  const { TEST_EVIDENCE_DIR, NODE_OPTIONS } = process.env
  if (TEST_EVIDENCE_DIR === undefined) return {}
  return { TEST_EVIDENCE_DIR, NODE_OPTIONS, TEST_EVIDENCE_TEST: test }
}

// One for all copies of this module in a process: the recorder is loaded apart from the tests.
const parts = globalThis as { taxiwayTestServers?: WeakSet<object> }
parts.taxiwayTestServers ??= new WeakSet()

/** Says that a server of a test plays another's part, who may answer whatever it likes: it is not ours to vouch for. */
export function playAnother<T extends object>(server: T): T {
  parts.taxiwayTestServers?.add(server)
  return server
}

export function playsAnother(server: object): boolean {
  return parts.taxiwayTestServers?.has(server) ?? false
}
