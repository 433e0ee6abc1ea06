import type { Intake } from '../intake/intake.ts'
import { type Rejudged, rejudge } from '../intake/rejudge.ts'

/** Judges anew what is stored; on a terminal, tells on standard error how far it is. */
export async function rejudgeWithProgress(
  intake: Intake,
): Promise<Rejudged & { readonly indicators: number }> {
  const { progress, end } = showProgress('indicators judged anew')
  let indicators = 0
  const done = await rejudge(intake, (step) => {
    indicators += step.indicators
    progress(indicators)
  })
  end()
  return { ...done, indicators }
}

/** A count that grows on one line of standard error, where that is a terminal. */
export function showProgress(what: string) {
  const { stderr } = process
  let shown = false
  return {
    progress: (count: number) => {
      if (!stderr.isTTY) return
      shown = true
      stderr.write(`\r${count.toLocaleString('en')} ${what}`)
    },
    end: () => {
      if (shown) stderr.write('\r\x1b[K')
    },
  }
}
