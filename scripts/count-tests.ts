/**
 * Ends the gate: `node scripts/count-tests.ts TAP_FILE STATUS`, where STATUS is what the steps
 * before have come to. Its last line is 'N passed, N failed'; it fails when anything failed, was
 * skipped or left to do, and when there was no test at all.
 */
import { readFileSync } from 'node:fs'

export interface Verdict {
  lines: string[]
  ok: boolean
}

/** @param tap what tap wrote: its own count is the last comment such as `# { total: 3, pass: 3 }` */
export function judgeTests(tap: string, status: number): Verdict {
  const summary = [...tap.matchAll(/^# \{ total: .*\}$/gm)].at(-1)?.[0]
  const count = (name: string) =>
    Number(new RegExp(`\\b${name}: (\\d+)`).exec(summary ?? '')?.[1] ?? 0)
  const passed = count('pass')
  const unrun = count('skip') + count('todo')

  const problems: string[] = []
  if (passed === 0) problems.push('no test has passed')
  if (unrun > 0) problems.push(`${unrun} tests were skipped or are still to do; none may be`)
  if (status !== 0) problems.push('a step of the gate has failed; see above')
  // A step that fails outside any test still is a failure that the count must show.
  const failed = count('fail') + unrun || (problems.length > 0 ? 1 : 0)
  const lines = [
    summary ?? '# no count from tap',
    ...problems,
    `${passed} passed, ${failed} failed`,
  ]
  return { lines, ok: failed === 0 }
}

if (import.meta.main) {
  const [path, status] = process.argv.slice(2)
  const verdict = judgeTests(readFileSync(String(path), 'utf8'), Number(status))
  for (const line of verdict.lines) console.log(line)
  process.exitCode = verdict.ok ? 0 : 1
}
