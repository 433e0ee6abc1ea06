import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a secret must never stand: what evidence of a run of the tests is gathered of. */
export const evidenceKinds = ['log', 'output', 'answer', 'argument', 'database'] as const
export type EvidenceKind = (typeof evidenceKinds)[number]

export interface EvidenceSource {
  readonly kind: EvidenceKind
  /** the test's file */
  readonly test: string
  /** what of the test it is, such as a route or a table */
  readonly where: string
}

export interface Evidence extends EvidenceSource {
  readonly body: Buffer
}

/** A secret of a test, or one that Taxiway made for it. */
export interface NotedSecret {
  /** in a word or two, for whoever reads that it was found */
  readonly what: string
  readonly value: string
  /** whether each piece of letters and digits in it is unmistakable by itself */
  readonly random: boolean
}

/*
 * Each process has files of its own in the folder. One of evidence is a sequence of: a line of JSON, which
 * is the source and the body's length in bytes; the body; a line feed. Each piece is one write, so that a
 * process that is killed spoils its own last piece at most.
 */

export function writeEvidence(folder: string, source: EvidenceSource, body: Uint8Array): void {
  const head = JSON.stringify({ ...source, bytes: body.length })
  const piece = Buffer.concat([Buffer.from(`${head}\n`), body, Buffer.from('\n')])
  appendFileSync(join(folder, `${process.pid}.evidence`), piece)
}

export function writeSecret(folder: string, secret: NotedSecret): void {
  appendFileSync(join(folder, `${process.pid}.secrets`), `${JSON.stringify(secret)}\n`)
}

export function* readAllEvidence(folder: string): Generator<Evidence> {
  for (const name of namesIn(folder, '.evidence')) {
    const bytes = readFileSync(join(folder, name))
    let at = 0
    for (;;) {
      const end = bytes.indexOf(10, at)
      if (end < 0) break
      const { bytes: length, ...source } = JSON.parse(bytes.toString('utf8', at, end))
      at = end + 1 + length + 1
      // Its process was killed while it wrote this.
      if (at > bytes.length) break
      yield { ...source, body: bytes.subarray(end + 1, at - 1) }
    }
  }
}

export function readAllSecrets(folder: string): NotedSecret[] {
  return namesIn(folder, '.secrets').flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as NotedSecret),
  )
}

function namesIn(folder: string, ending: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(ending))
}
