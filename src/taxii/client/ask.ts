import type { XmlStreamLimits } from '../../xml/stream.ts'
import type { ReceivedBlock } from './block.ts'
import type { Device } from './device.ts'
import { PollFault } from './fault.ts'
import type { HttpAnswer, HttpClient } from './http.ts'
import { checkHeaders, redirectTarget, statusFault } from './http-checks.ts'
import { type Outgoing, requestHeaders } from './requests.ts'
import { type Answer, readAnswer } from './response.ts'
import { statusMessageFault } from './status-fault.ts'
import type { Warn } from './warnings.ts'

/** One attempt at a request, as it ended. */
export interface RequestReport {
  /** counts attempts from 1 over everything asked */
  readonly exchange: number
  /** counts requests from 1 */
  readonly request: number
  /** from 1 */
  readonly attempt: number
  readonly message: Outgoing['name']
  readonly url: string
  /** undefined where no answer came */
  readonly status: number | undefined
  readonly ms: number
  readonly wireBytes: number
  readonly blocks: number
  readonly fault: PollFault | undefined
  /** until the next attempt; undefined: there is none */
  readonly pauseMs: number | undefined
}

export interface Asker {
  /**
   * Sends a message as the device does, again where that may help, and reads the answer as it arrives.
   * @param handlers.onBlock gets each block with the number of its exchange; what `onVoid` names later is void
   * @throws PollFault, or the signal's reason
   */
  ask<Type extends ExpectedAnswer['type']>(
    url: URL,
    message: Outgoing,
    expected: Type,
    handlers?: AskHandlers,
  ): Promise<Extract<ExpectedAnswer, { type: Type }>>
}

/** A Status_Message is a fault. */
export type ExpectedAnswer = Exclude<Answer, { type: 'Status_Message' }>

export interface AskHandlers {
  readonly onBlock?: (block: ReceivedBlock, exchange: number) => void
  readonly onVoid?: (exchange: number) => void
  /** instead of what the device is known to do */
  readonly attempts?: number
}

export interface AskerParts {
  readonly http: HttpClient
  readonly device: Device
  /** the value of the Authorization header */
  readonly authorization: string | undefined
  readonly limits: Partial<XmlStreamLimits>
  readonly signal: AbortSignal
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly warn: Warn
  readonly onRequest: (report: RequestReport) => void
}

/** Before the second attempt and before the third; the device's own pauses are not known. */
const pausesMs = [1_000, 3_000]
const maxRedirects = 5

export function createAsker(parts: AskerParts): Asker {
  const { http, device, authorization, limits, signal, sleep, warn, onRequest } = parts
  let requests = 0
  let exchanges = 0

  async function post(url: URL, message: Outgoing): Promise<{ answer: HttpAnswer; url: URL }> {
    let at = url
    for (let redirects = 0; ; redirects += 1) {
      const scheme = at.protocol === 'https:' ? 'https' : 'http'
      const headers = requestHeaders(scheme, device.userAgent, authorization)
      const answer = await http.post(at, headers, message.xml, signal)
      const target = redirectTarget(answer, at)
      if (!target) return { answer, url: at }
      answer.drop()
      if (redirects >= maxRedirects) {
        throw new PollFault('redirect', `${at} leads from one address to the next without end`)
      }
      warn({
        rule: 'redirect',
        text: 'the server leads to another address of its own',
        where: `${at} → ${target}`,
      })
      at = target
    }
  }

  async function attemptOnce(
    url: URL,
    message: Outgoing,
    seen: { status?: number; wireBytes: () => number },
    expected: ExpectedAnswer['type'],
    onBlock: (block: ReceivedBlock) => void,
  ): Promise<ExpectedAnswer> {
    const { answer: response, url: at } = await post(url, message)
    seen.status = response.status
    seen.wireBytes = response.wireBytes
    try {
      if (response.status < 200 || response.status > 299) throw await statusFault(response, at)
      await checkHeaders(response, warn)
      const answer = await readAnswer(response.body, limits, onBlock)
      if (answer.type === 'Status_Message') throw statusMessageFault(answer)
      if (answer.type !== expected) {
        throw new PollFault('wrong-message', `the answer is a ${answer.type}, not a ${expected}`)
      }
      if (answer.inResponseTo !== message.messageId) {
        warn({
          rule: 'in-response-to',
          text: 'the answer does not name the message that it answers; strict clients refuse it',
          where: `${answer.inResponseTo ?? 'none'} instead of ${message.messageId}`,
        })
      }
      return answer
    } finally {
      response.drop()
    }
  }

  return {
    async ask<Type extends ExpectedAnswer['type']>(
      url: URL,
      message: Outgoing,
      expected: Type,
      { onBlock, onVoid, attempts = device.attempts }: AskHandlers = {},
    ) {
      requests += 1
      const request = requests
      for (let attempt = 1; ; attempt += 1) {
        exchanges += 1
        const exchange = exchanges
        const began = performance.now()
        const seen: { status?: number; wireBytes: () => number } = { wireBytes: () => 0 }
        let blocks = 0
        const report = (fault: PollFault | undefined, pauseMs?: number) =>
          onRequest({
            exchange,
            request,
            attempt,
            message: message.name,
            url: String(url),
            status: seen.status,
            ms: Math.round(performance.now() - began),
            wireBytes: seen.wireBytes(),
            blocks,
            fault,
            pauseMs,
          })
        try {
          const answer = await attemptOnce(url, message, seen, expected, (block) => {
            blocks += 1
            onBlock?.(block, exchange)
          })
          report(undefined)
          return answer as Extract<ExpectedAnswer, { type: Type }>
        } catch (error) {
          onVoid?.(exchange)
          signal.throwIfAborted()
          if (!(error instanceof PollFault)) throw error
          const again = error.retryable && attempt < attempts
          const pauseMs = again ? (pausesMs[attempt - 1] ?? pausesMs.at(-1)) : undefined
          report(error, pauseMs)
          if (pauseMs === undefined) throw error
          await sleep(pauseMs, signal)
        }
      }
    },
  }
}
