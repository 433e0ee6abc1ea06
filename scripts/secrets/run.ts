import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { watchArguments } from './arguments.ts'
import { writeSecret } from './evidence.ts'
import { judgeSearch, searchEvidence } from './search.ts'

export interface EvidenceRun {
  /** what the tests need in their environment to keep evidence */
  readonly env: NodeJS.ProcessEnv
  /** Searches, prints what was found, and removes the evidence. @returns whether no secret was found */
  end(): boolean
}

const recorder = new URL('../../test/helpers/record-answers.ts', import.meta.url)

/**
 * Begins to gather what a run of the tests leaves behind, in a folder of its own.
 * @param within where that folder is made; it may grow to gigabytes
 * @param whole whether all tests run
 * @param urls of the services, whose passwords are secrets like any other
 */
export function gatherEvidence(
  within: string,
  whole: boolean,
  urls: readonly string[],
): EvidenceRun {
  const folder = mkdtempSync(join(within, 'taxiway-evidence-'))
  for (const url of urls) {
    const { password, protocol } = new URL(url)
    // One that was given to us may be a word that stands everywhere.
    if (password.length < 16) continue
    writeSecret(folder, { what: `password of ${protocol}//`, value: password, random: true })
  }
  const unwatch = watchArguments(folder)
  return {
    env: {
      TEST_EVIDENCE_DIR: folder,
      NODE_OPTIONS: [process.env.NODE_OPTIONS, `--import=${recorder.href}`].join(' ').trim(),
    },
    end() {
      unwatch()
      try {
        const began = performance.now()
        const { lines, ok } = judgeSearch(searchEvidence(folder), whole)
        for (const line of lines) console.error(line)
        console.error(`the search took ${((performance.now() - began) / 1000).toFixed(1)} s`)
        return ok
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}
