import { cutText } from './server-text.ts'

/** Something that a device bears, or that makes it miss something, and that an operator is to know. */
export interface Warning {
  /** a stable word to count by */
  readonly rule: string
  /** a sentence for people, without the case in it */
  readonly text: string
  /** the case: a window, a label, an address */
  readonly where?: string | undefined
}

export type Warn = (warning: Warning) => void

export interface CountedWarning extends Warning {
  readonly count: number
}

export interface Warnings {
  readonly warn: Warn
  /** each rule once, with its first case */
  readonly all: () => readonly CountedWarning[]
}

/** Hands on the first few warnings of each rule, and counts all. The texts of the server in them are cut. */
export function createWarnings(onWarning: Warn, handedOn = 3): Warnings {
  const counted = new Map<string, CountedWarning>()
  return {
    warn({ where, ...told }) {
      const warning = { ...told, where: where === undefined ? undefined : cutText(where) }
      const before = counted.get(warning.rule)
      const count = (before?.count ?? 0) + 1
      counted.set(warning.rule, { ...(before ?? warning), count })
      if (count <= handedOn) onWarning(warning)
    },
    all: () => [...counted.values()],
  }
}
