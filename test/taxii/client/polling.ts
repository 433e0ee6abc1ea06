import type { Micros } from '../../../src/model/micros.ts'
import type { RequestReport } from '../../../src/taxii/client/ask.ts'
import type { DeviceName } from '../../../src/taxii/client/device.ts'
import { createDevice } from '../../../src/taxii/client/devices/devices.ts'
import { createHttpClient, type HttpBounds, type TlsFiles } from '../../../src/taxii/client/http.ts'
import type { WindowReport } from '../../../src/taxii/client/poll-window.ts'
import { type BlockReport, type PollPlan, pollAsDevice } from '../../../src/taxii/client/session.ts'
import type { Warning } from '../../../src/taxii/client/warnings.ts'
import type { XmlStreamLimits } from '../../../src/xml/stream.ts'

/** 2026-11-21T12:00:00Z */
export const noon: Micros = Date.UTC(2026, 10, 21, 12) * 1000
export const hour = 3_600_000_000

export interface Asked extends Partial<PollPlan> {
  readonly as?: DeviceName
  readonly authorization?: string
  readonly tls?: TlsFiles
  readonly bounds?: Partial<HttpBounds>
  readonly limits?: Partial<XmlStreamLimits>
  readonly maxParts?: number
  readonly now?: () => Micros
  readonly signal?: AbortSignal
  /** none is kept */
  readonly forgetsBlocks?: boolean
  /** called instead of sleeping */
  readonly onSleep?: (ms: number) => void
}

/** Polls one hour of the collection "c" unless asked for something else, and tells all that was told of it. */
export async function pollOnce(url: URL, asked: Asked = {}) {
  const { as = 'esa', authorization, tls, bounds, limits = {}, maxParts, onSleep, ...plan } = asked
  const http = createHttpClient(tls, bounds)
  const told = {
    requests: [] as RequestReport[],
    blocks: [] as BlockReport[],
    warned: [] as Warning[],
    windows: [] as WindowReport[],
    slept: [] as number[],
  }
  try {
    const outcome = await pollAsDevice(
      {
        url,
        collection: 'c',
        begin: noon - hour,
        end: noon,
        windowDays: undefined,
        deltas: 0,
        intervalMs: undefined,
        bindings: [],
        subscriptionId: undefined,
        discovers: createDevice(as).discovers,
        ...plan,
      },
      {
        http,
        device: createDevice(as),
        authorization,
        limits,
        ...(maxParts !== undefined && { maxParts }),
        signal: asked.signal ?? new AbortController().signal,
        now: asked.now ?? (() => noon),
        sleep: async (ms) => {
          told.slept.push(ms)
          onSleep?.(ms)
          asked.signal?.throwIfAborted()
        },
        listener: {
          onRequest: (report) => told.requests.push(report),
          onBlock(report) {
            if (!asked.forgetsBlocks) told.blocks.push(report)
          },
          onWarning: (warning) => told.warned.push(warning),
          onWindow: (report) => told.windows.push(report),
        },
      },
    )
    return { ...told, outcome, rules: outcome.warnings.map(({ rule }) => rule) }
  } finally {
    await http.close()
  }
}
