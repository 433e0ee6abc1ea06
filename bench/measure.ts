import { readFileSync } from 'node:fs'

/** The middle of several runs and how far they lie apart. */
export interface Measured {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly runs: number
}

export function summarize(values: readonly number[]): Measured {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number) => sorted[index] as number
  const last = sorted.length - 1
  // Of an even number of runs the mean of the two in the middle, not the better one.
  const median = (at(Math.floor(last / 2)) + at(Math.ceil(last / 2))) / 2
  return { median, least: at(0), most: at(last), runs: sorted.length }
}

/** The value that so many of a hundred do not exceed, with the least and the most of all. */
export function percentile(values: readonly number[], percent: number): Measured {
  const sorted = [...values].sort((a, b) => a - b)
  const at = sorted[Math.ceil((percent / 100) * sorted.length) - 1] as number
  return { ...summarize(values), median: at }
}

export function show({ median, least, most, runs }: Measured, unit: string): string {
  return `${round(median)} ${unit} (${round(least)} to ${round(most)}, ${runs} runs)`
}

function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

/** The most memory that a process ever had, in MB (VmHWM). */
export function peakMemoryMb(pid: number): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1]) / 1000
}

// Of /proc: a hundredth of a second on every Linux.
const tickMs = 10

/** The processor time that a process has had, in ms, in user and kernel. */
export function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

export interface Line {
  readonly what: string
  readonly figure: string
  /** what the figure is held against, and whether it holds */
  readonly limit: string
  readonly holds: boolean | undefined
}

export function atMost(what: string, measured: Measured, unit: string, limit: number): Line {
  const holds = measured.median <= limit
  return { what, figure: show(measured, unit), limit: `≤ ${limit} ${unit}`, holds }
}

export function atLeast(what: string, measured: Measured, unit: string, limit: number): Line {
  const holds = measured.median >= limit
  return { what, figure: show(measured, unit), limit: `≥ ${limit} ${unit}`, holds }
}

export function plain(what: string, measured: Measured, unit: string): Line {
  return { what, figure: show(measured, unit), limit: '', holds: undefined }
}

export function printLines(lines: readonly Line[]): void {
  for (const { what, figure, limit, holds } of lines) {
    const verdict = holds === undefined ? '' : holds ? 'holds' : 'MISSED'
    console.log([what.padEnd(58), figure.padEnd(44), limit.padEnd(14), verdict].join(' ').trimEnd())
  }
}
