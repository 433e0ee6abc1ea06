import { startChild } from './child.ts'
import { atMost, type Line, plain, summarize } from './measure.ts'

interface Judged {
  readonly entries: number
  readonly prepareMs: number
  readonly prepareCpuMs: number
  readonly addedMs: number
  readonly preparedMb: number
  readonly judgeMs: number
  readonly judgeCpuMs: number
  readonly listed: number
}

/** Judging 100,000 indicators by warninglists of a million entries, as take-in does it. */
export async function benchJudging(runs: number): Promise<readonly Line[]> {
  const results: Judged[] = []
  for (let run = 0; run < runs; run += 1) {
    const child = startChild('./judging-child.ts', [])
    results.push(await child.next<Judged>())
    await child.stop()
  }
  const of = (name: keyof Judged) => summarize(results.map((result) => result[name]))
  return [
    atMost('100,000 indicators against 1,000,000 entries', of('judgeMs'), 'ms', 2_000),
    plain('  processor time of that', of('judgeCpuMs'), 'ms'),
    plain('  of them on a list', of('listed'), 'indicators'),
    plain('  entries', of('entries'), 'entries'),
    plain('  preparing the lists', of('prepareMs'), 'ms'),
    plain('  processor time of that', of('prepareCpuMs'), 'ms'),
    plain('  preparing them again with one list less', of('addedMs'), 'ms'),
    plain('  memory of the prepared lists', of('preparedMb'), 'MB'),
  ]
}
