import { UpstreamError } from './model/errors.ts'

const firstBrokenPauseMs = 30_000
// Until somebody changes a setting.
const hopelessCodes: readonly string[] = ['OTX_KEY_REFUSED', 'OTX_REFUSED', 'OTX_NOT_FOUND']
// An upstream that asks for more than a day has made a mistake, and an operator would wait for it in vain.
const longestAskedMs = 86_400_000

/**
 * How long to wait after a walk that broke: longer with each in a row, up to the pause between whole walks,
 * half of it fixed and half chance, so that gateways that failed together do not come back together. What
 * does not get better by itself, such as a refused key, is tried as seldom as if all were well.
 * @param inARow how many walks have broken in a row, from 1
 * @param random from 0 up to, not with, 1
 */
export function pauseAfterBreak(
  error: unknown,
  inARow: number,
  everyMs: number,
  random: number,
): number {
  const hopeless = error instanceof UpstreamError && hopelessCodes.includes(error.code)
  const full = Math.min(everyMs, firstBrokenPauseMs * 2 ** Math.min(inARow - 1, 30))
  const backoff = hopeless ? everyMs : Math.round(full / 2 + (random * full) / 2)
  return Math.max(backoff, askedPauseMs(error) ?? 0)
}

/** How long the upstream itself asked to be left alone. */
export function askedPauseMs(error: unknown): number | undefined {
  const { retryAfterMs } = error as { readonly retryAfterMs?: unknown }
  if (!(error instanceof UpstreamError) || typeof retryAfterMs !== 'number') return undefined
  return Math.min(longestAskedMs, Math.max(0, retryAfterMs))
}
