import { SingleBar } from 'cli-progress'

export interface Progress {
  show(windows: number, blocks: number): void
  stop(): void
}

/** A bar on the terminal of standard error. */
export function createBar(windows: number): Progress {
  const bar = new SingleBar({
    format: 'polling  {bar}  {value}/{total} windows  {blocks} blocks',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(windows, 0, { blocks: 0 })
  return {
    show: (done, blocks) => bar.update(done, { blocks }),
    stop: () => bar.stop(),
  }
}
