/** Waits for Ctrl-C or SIGTERM. A second one ends the process at once, as if nobody had listened. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      for (const one of signals) process.off(one, stop)
      resolve(signal)
    }
    for (const one of signals) process.on(one, stop)
  })
}

const signals = ['SIGINT', 'SIGTERM'] as const
