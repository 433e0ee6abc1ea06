import { gzipSync } from 'node:zlib'
import { createRandom, type Random } from './feed-random.ts'
import { aMessage, type Known, type TaxiiVersion } from './xml-messages.ts'
import { mutateBytes, mutateTree } from './xml-mutations.ts'
import { chooseStyle, plainStyle, writeDocument } from './xml-tree.ts'

/** How the bytes of a message get to the server. */
export const manners = [
  'whole',
  'in pieces',
  'chunked',
  'expecting',
  'pipelined',
  'encoded',
  'broken off',
  'too short a length',
  'too long a length',
  'garbage before it',
] as const
export type Manner = (typeof manners)[number]

export interface Case {
  /** what was done to a message of the grammar */
  readonly kind: 'sound' | 'mutated tree' | 'mutated bytes'
  readonly version: TaxiiVersion
  /** of a sound message: what every answer must name */
  readonly messageId: string | undefined
  /** a sound message as plainly as it can be written: the same answer is due */
  readonly plain: Buffer | undefined
  readonly body: Buffer
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** whether anything but the body is to blame if it is refused */
  readonly headersAreSound: boolean
  readonly manner: Manner
  /** for choices in how it is sent */
  readonly random: Random
}

const paths = [
  '/taxii/discovery',
  '/taxii/collections',
  '/taxii/poll',
  '/taxii/inbox/',
  '/taxii/subscriptions',
  '/services/poll/',
  '/services/inbox',
  '/taxii-discovery-service/',
]

/** The same seed and number, the same case. */
export function makeCase(seed: number, number: number, known: Known): Case {
  const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  random.next()
  const message = aMessage(random, known)
  const chance = random.next()
  const kind = chance < 0.35 ? 'sound' : chance < 0.7 ? 'mutated tree' : 'mutated bytes'
  const root = kind === 'mutated tree' ? mutateTree(message.root, random) : message.root
  const written = writeDocument(root, chooseStyle(random), random)
  const body =
    kind === 'mutated bytes'
      ? mutateBytes(
          written,
          writeDocument(aMessage(random, known).root, plainStyle, random),
          random,
        )
      : written
  const headersAreSound = random.chance(0.9)
  const headers = headersOf(message.version)
  return {
    kind,
    version: message.version,
    messageId: kind === 'sound' ? message.id : undefined,
    plain: kind === 'sound' ? writeDocument(message.root, plainStyle, random) : undefined,
    body,
    path: random.pick(paths),
    headers: headersAreSound ? headers : spoilHeaders(headers, random),
    headersAreSound,
    manner: random.chance(0.5) ? 'whole' : random.pick(manners),
    random,
  }
}

export function headersOf(version: TaxiiVersion): Record<string, string> {
  return {
    'Content-Type': 'application/xml',
    Accept: 'application/xml',
    'X-TAXII-Content-Type': `urn:taxii.mitre.org:message:xml:${version}`,
    'X-TAXII-Accept': `urn:taxii.mitre.org:message:xml:${version}`,
    'X-TAXII-Services': `urn:taxii.mitre.org:services:${version}`,
    'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:http:1.0',
  }
}

function spoilHeaders(headers: Record<string, string>, random: Random): Record<string, string> {
  const spoiled = { ...headers }
  const name = random.pick(Object.keys(headers))
  if (random.chance(0.5)) delete spoiled[name]
  else
    spoiled[name] = random.pick([
      '',
      'x',
      'urn:taxii.mitre.org:message:xml:1.0',
      'urn:taxii.mitre.org:message:xml:1.1 urn:taxii.mitre.org:message:xml:1.0',
      'application/json',
      'application/xml; charset=iso-8859-1',
      'x'.repeat(7_000),
      '\u00e4',
    ])
  return spoiled
}

/** What is sent for a case before its body, and the body as it is sent. */
export function requestOf(
  one: Pick<Case, 'path' | 'headers' | 'manner' | 'random'>,
  sent: Buffer,
  authorization: string,
): { readonly head: Buffer; readonly body: Buffer } {
  const { manner, random } = one
  const body = manner === 'encoded' ? gzipSync(sent) : sent
  const lines = [`POST ${one.path} HTTP/1.1`, 'Host: localhost', `Authorization: ${authorization}`]
  for (const [name, value] of Object.entries(one.headers)) lines.push(`${name}: ${value}`)
  if (manner === 'chunked') lines.push('Transfer-Encoding: chunked')
  else lines.push(`Content-Length: ${lengthOf(manner, body.length, random)}`)
  if (manner === 'expecting') lines.push('Expect: 100-continue')
  if (manner === 'encoded') lines.push('Content-Encoding: gzip')
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return {
    head: manner === 'garbage before it' ? Buffer.concat([Buffer.from('\0\r<a>\r\n'), head]) : head,
    body: manner === 'chunked' ? inChunks(body, random) : body,
  }
}

function lengthOf(manner: Manner, bytes: number, random: Random): number {
  if (manner === 'too short a length') return random.below(bytes + 1)
  return manner === 'too long a length' ? bytes + 1 + random.below(100_000) : bytes
}

function inChunks(body: Buffer, random: Random): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + 1 + random.below(random.pick([3, 500, 70_000])))
    const extension = random.chance(0.05) ? ';x="y"' : ''
    pieces.push(Buffer.from(`${piece.length.toString(16)}${extension}\r\n`), piece)
    pieces.push(Buffer.from('\r\n'))
    at += piece.length
    // Many small chunks prove nothing that some do not.
    if (pieces.length > 600) {
      const rest = body.subarray(at)
      if (rest.length > 0)
        pieces.push(Buffer.from(`${rest.length.toString(16)}\r\n`), rest, Buffer.from('\r\n'))
      break
    }
  }
  pieces.push(Buffer.from(random.chance(0.1) ? '0\r\nX-Trailer: x\r\n\r\n' : '0\r\n\r\n'))
  return Buffer.concat(pieces)
}
