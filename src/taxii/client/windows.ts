import type { Micros } from '../../model/micros.ts'

/** What one Poll_Request asks for: after `begin`, up to and with `end`; undefined: without that bound. */
export interface Window {
  readonly begin: Micros | undefined
  readonly end: Micros | undefined
}

export const microsPerDay = 86_400_000_000

/**
 * Cuts the time after `begin` up to and with `end` into windows of so many days, the oldest first; the last
 * one may be shorter. Each begins where the one before it ends.
 * @param days undefined: one window
 */
export function cutWindows(begin: Micros, end: Micros, days: number | undefined): Window[] {
  if (begin >= end) return []
  if (days === undefined) return [{ begin, end }]
  const length = Math.max(1, Math.round(days * microsPerDay))
  const windows: Window[] = []
  for (let at = begin; at < end; at += length) {
    windows.push({ begin: at, end: Math.min(at + length, end) })
  }
  return windows
}
