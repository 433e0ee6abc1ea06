import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface ProgramResult {
  stdout: string
  stderr: string
  code: number
}

export type StixVersion = '1.2' | '1.1.1'

/** The python that has what scripts/python-requirements.txt names; `npm test` provides it. */
export function getTestPython(): string {
  const python = process.env.TEST_PYTHON
  if (!python) throw new Error('TEST_PYTHON is not set: run the tests by `npm test`')
  return python
}

/** Runs python with these arguments, and `input` on its stdin. */
export function runPython(args: string[], input = ''): Promise<ProgramResult> {
  return runProgram(getTestPython(), args, input)
}

/**
 * Runs one of cabby's commands: taxii-discovery, taxii-collections, taxii-poll, taxii-push,
 * taxii-subscription.
 */
export function runCabby(command: string, args: string[], input = ''): Promise<ProgramResult> {
  return runProgram(join(dirname(getTestPython()), command), args, input)
}

export interface ProgramCall {
  /** as its package installs it, such as taxii-poll or poll_client_10 */
  readonly program: string
  readonly args: readonly string[]
  readonly input?: string
}

/** Runs programs of Python packages one after the other, and starts Python only once. */
export async function runPythonPrograms(calls: readonly ProgramCall[]): Promise<ProgramResult[]> {
  const path = fileURLToPath(new URL('python_programs.py', import.meta.url))
  const asked = calls.map(({ program, args, input = '' }) => ({ program, args, input }))
  const { stdout, stderr, code } = await runPython([path], JSON.stringify(asked))
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as ProgramResult[]
}

/**
 * Validates STIX packages by stix-validator's schemas, all in one process, which takes about a
 * second to start: pass many at once.
 * @returns each document's errors, in the order of the documents
 */
export function validateStix(
  documents: string[],
  version: StixVersion,
  options: { bestPractices?: boolean } = {},
): Promise<string[][]> {
  return validate(
    'stix_validate.py',
    documents.map((xml) => ({ xml, version, bestPractices: options.bestPractices ?? false })),
  )
}

/**
 * Validates TAXII messages by libtaxii, the schema of their version and its reading, all in one process.
 * @returns each message's errors, in the order of the messages
 */
export function validateTaxii(messages: string[]): Promise<string[][]> {
  return validate(
    'taxii_validate.py',
    messages.map((xml) => ({ xml })),
  )
}

async function validate(script: string, documents: object[]): Promise<string[][]> {
  if (documents.length === 0) return []
  const path = fileURLToPath(new URL(script, import.meta.url))
  const input = documents.map((document) => `${JSON.stringify(document)}\n`).join('')
  const result = await runPython([path], input)
  const answers = result.stdout.split('\n').filter((line) => line !== '')
  if (result.code !== 0 || answers.length !== documents.length) {
    throw new Error(
      `${script} answered ${answers.length} of ${documents.length} (${result.code}):\n${result.stderr}`,
    )
  }
  return answers.map((line) => JSON.parse(line) as string[])
}

function runProgram(command: string, args: string[], input: string): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (data: Buffer) => stdout.push(data))
    child.stderr.on('data', (data: Buffer) => stderr.push(data))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolve({
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + (signal === null ? '' : `ended by ${signal}`),
        code: code ?? 1,
      })
    })
    // A program that ends before it has read everything says why by its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
