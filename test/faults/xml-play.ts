import { type Case, headersOf, makeCase, requestOf } from './xml-cases.ts'
import { openWire, type Received, type Wire } from './xml-exchange.ts'
import { type Judged, judgeAnswer } from './xml-judge.ts'
import { namespaces } from './xml-messages.ts'
import type { FuzzedServer } from './xml-server.ts'

export interface Played {
  /** what came of it, such as `mutated bytes: BAD_MESSAGE` */
  readonly outcome: string
  /** undefined: all was as it must be */
  readonly fault: string | undefined
  /** what was sent */
  readonly bytes: Buffer
}

// However busy the machine is: it is hangs that are looked for.
const patienceMs = 30_000
// A request that never becomes whole has no answer to wait for.
const glanceMs = 20

const aDiscovery = Buffer.from(
  `<Discovery_Request xmlns="${namespaces['1.1']}" message_id="after"/>`,
)

/** Sends one case, judges every answer to it, and asks for discovery on the same connection. */
export async function playCase(
  server: Pick<FuzzedServer, 'url' | 'known' | 'authorization'>,
  seed: number,
  number: number,
): Promise<Played> {
  const one = makeCase(seed, number, server.known)
  const { head, body } = requestOf(one, one.body, server.authorization)
  const bytes = Buffer.concat([head, body])
  const wire = openWire(server.url)
  try {
    const outcome = await send(wire, one, head, body, server)
    return { outcome: `${one.kind}, ${one.manner}: ${outcome}`, fault: undefined, bytes }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const where = `${one.kind}, ${one.manner}, to ${one.path}`
    return { outcome: 'fault', fault: `${where}: ${error.message}`, bytes }
  } finally {
    wire.close()
  }
}

class Fault extends Error {}

async function put(wire: Wire, bytes: Uint8Array, pieces?: number): Promise<void> {
  if (!(await wire.send(bytes, patienceMs, pieces))) {
    throw new Fault(`it took nothing more of ${bytes.length} bytes for ${patienceMs} ms`)
  }
}

async function send(
  wire: Wire,
  one: Case,
  head: Buffer,
  body: Buffer,
  server: Pick<FuzzedServer, 'authorization'>,
): Promise<string> {
  const { manner, random } = one
  switch (manner) {
    case 'broken off':
      await put(wire, Buffer.concat([head, body.subarray(0, random.below(body.length + 1))]))
      if (random.chance(0.5)) await wire.receive(random.below(glanceMs))
      return 'gone'
    case 'too long a length': {
      await put(wire, Buffer.concat([head, body]))
      // What cannot become right is refused before it is whole; else it is waited for.
      const received = await wire.receive(glanceMs)
      if (received.kind === 'answer') judge(received, one)
      return 'waited'
    }
    case 'garbage before it': {
      await put(wire, Buffer.concat([head, body]))
      const { answer } = getAnswer(await wire.receive(patienceMs))
      if (answer.status !== 400) throw new Fault(`garbage got HTTP ${answer.status}`)
      return 'HTTP 400'
    }
    case 'too short a length': {
      await put(wire, Buffer.concat([head, body]))
      // What is over is the beginning of a request that may never end, or of none.
      const received = await wire.receive(patienceMs)
      return received.kind === 'ended' ? 'cut off' : judge(received, one, false).outcome
    }
    case 'expecting':
      await put(wire, head)
      await wire.sawAnything(patienceMs)
      await put(wire, body)
      break
    case 'pipelined': {
      const plain = requestOf({ ...one, manner: 'whole' }, aDiscovery, server.authorization)
      await put(wire, Buffer.concat([head, body, plain.head, plain.body, head, body]))
      break
    }
    case 'in pieces':
      await put(wire, Buffer.concat([head, body]), 2 + random.below(12))
      break
    default:
      await put(wire, Buffer.concat([head, body]))
  }
  const received = await wire.receive(patienceMs)
  const { outcome } = judge(received, one)
  const closes = (last: Received) =>
    last.kind === 'answer' && last.answer.headers.connection?.toLowerCase() === 'close'
  if (closes(received)) return outcome
  if (manner === 'pipelined') {
    const second = await wire.receive(patienceMs)
    judgeAny(second)
    if (closes(second)) return outcome
    const third = await wire.receive(patienceMs)
    judge(third, one)
    if (closes(third)) return outcome
  }
  if (one.plain && one.headersAreSound && manner !== 'encoded') {
    const asked = { ...one, manner: 'whole' as const }
    const request = requestOf(asked, one.plain, server.authorization)
    await put(wire, Buffer.concat([request.head, request.body]))
    const again = judge(await wire.receive(patienceMs), one)
    if (again.outcome !== outcome && !changesByItself(again.outcome, outcome)) {
      throw new Fault(
        `written otherwise the same message got ${again.outcome}, and not ${outcome}: ${one.plain}`,
      )
    }
  }
  await askForDiscovery(wire, server.authorization)
  return outcome
}

/** What others do at the same time, or the message itself when it was sent first. */
function changesByItself(...outcomes: readonly string[]): boolean {
  return outcomes.every((one) =>
    ['NOT_FOUND', 'SUCCESS', 'Subscription_Management_Response'].includes(one),
  )
}

async function askForDiscovery(wire: Wire, authorization: string): Promise<void> {
  const request = requestOf(
    { path: '/taxii/discovery', headers: headersOf('1.1'), manner: 'whole', random: unused },
    aDiscovery,
    authorization,
  )
  await put(wire, Buffer.concat([request.head, request.body]))
  const received = await wire.receive(patienceMs)
  if (received.kind !== 'answer') throw new Fault(`${describe(received)} to the next request`)
  const { outcome } = judgeAny(received)
  if (outcome !== 'Discovery_Response') throw new Fault(`the next request got ${outcome}`)
}

const unused = { below: () => 0, next: () => 0, chance: () => false } as unknown as Case['random']

function describe(received: Exclude<Received, { kind: 'answer' }>): string {
  if (received.kind === 'silence') return `no answer within ${patienceMs} ms`
  const { error = 'in peace', came } = received
  return `the connection ended ${error} after ${came.length} bytes of an answer`
}

function getAnswer(received: Received) {
  if (received.kind === 'answer') return received
  throw new Fault(describe(received))
}

function judgeAny(received: Received): Exclude<Judged, { fault: string }> {
  const judged = judgeAnswer(getAnswer(received).answer)
  if (judged.fault !== undefined) throw new Fault(judged.fault)
  return judged
}

/** @param whole the server got all of the case's body */
function judge(received: Received, one: Case, whole = true): Exclude<Judged, { fault: string }> {
  const judged = judgeAny(received)
  const { outcome, message, inResponseTo } = judged
  if (one.manner === 'encoded' && outcome !== 'HTTP 415 UNSUPPORTED_MESSAGE') {
    throw new Fault(`compressed it got ${outcome}`)
  }
  if (one.messageId === undefined || !whole || one.manner === 'encoded') return judged
  if (inResponseTo !== undefined && inResponseTo !== one.messageId) {
    // Nobody reads a message whose headers cannot be read.
    if (one.headersAreSound || inResponseTo !== '0')
      throw new Fault(`${outcome} (${message}) is in response to ${inResponseTo}`)
  }
  if (message.includes('not well-formed XML')) throw new Fault(`${outcome}: ${message}`)
  return judged
}
