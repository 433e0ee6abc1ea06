import { createHash } from 'node:crypto'
import { type Micros, parseMicros } from '../../src/model/micros.ts'
import { findAttribute, readXml } from '../../src/xml/read.ts'

/** A block as a client sees it. */
export interface SeenBlock {
  readonly label: Micros
  /** of the Content's bytes */
  readonly digest: string
  /** of the indicator, whatever it shows of it */
  readonly guid: string
  /** the reports whose claims it shows, as `reportMark` writes them */
  readonly marks: readonly string[]
}

export interface PollAnswer {
  readonly kind: 'poll'
  readonly begin: Micros | undefined
  readonly end: Micros
  readonly recordCount: number
  readonly message: string | undefined
  readonly more: boolean
  readonly resultId: string | undefined
  readonly part: number | undefined
  readonly blocks: readonly SeenBlock[]
  /** of all that a replay must repeat: everything but the message's id and what is said to people */
  readonly digest: string
}

export interface StatusAnswer {
  readonly kind: 'status'
  readonly statusType: string
  readonly message: string
}

/** What came before a connection broke. */
export interface BrokenAnswer {
  readonly kind: 'broken'
  readonly blocks: readonly SeenBlock[]
}

const blockStart = '<taxii_11:Content_Block>'
const blockEnd = '</taxii_11:Content_Block>'
const responseEnd = '</taxii_11:Poll_Response>\n'
const block =
  /^<taxii_11:Content_Block><taxii_11:Content_Binding binding_id="[^"]+"\/><taxii_11:Content>(.*)<\/taxii_11:Content><taxii_11:Timestamp_Label>([^<]+)<\/taxii_11:Timestamp_Label><\/taxii_11:Content_Block>$/s
const head =
  /^<\?xml [^>]*\?>\n<taxii_11:Poll_Response [^>]*?message_id="([^"]+)"[^>]*>(?:<taxii_11:Exclusive_Begin_Timestamp>([^<]+)<\/taxii_11:Exclusive_Begin_Timestamp>)?<taxii_11:Inclusive_End_Timestamp>([^<]+)<\/taxii_11:Inclusive_End_Timestamp><taxii_11:Record_Count>(\d+)<\/taxii_11:Record_Count>(?:<taxii_11:Message>([^<]*)<\/taxii_11:Message>)?$/

// Larger answers are taken apart without a parser, which would take longer than all the rest.
const maxParsedCharacters = 200_000

/** @throws when a whole answer is none that a server may give */
export function readAnswer(text: string): PollAnswer | StatusAnswer {
  if (text.length <= maxParsedCharacters) {
    const root = readXml(Buffer.from(text))
    if (root.name === 'Status_Message') {
      const statusType = findAttribute(root, 'status_type') ?? ''
      const message = root.children.find(({ name }) => name === 'Message')?.text ?? ''
      return { kind: 'status', statusType, message }
    }
    const answer = readPollResponse(text)
    const parsed = root.children.filter(({ name }) => name === 'Content_Block').length
    if (parsed !== answer.blocks.length) throw new Error(`${parsed} blocks stand in the answer`)
    return answer
  }
  return readPollResponse(text)
}

function readPollResponse(text: string): PollAnswer {
  if (!text.endsWith(responseEnd)) throw new Error(`it ends with ${text.slice(-200)}`)
  const pieces = text.slice(0, -responseEnd.length).split(blockStart)
  const opening = pieces[0] ?? ''
  const match = head.exec(opening)
  if (!match) throw new Error(`it begins with ${opening.slice(0, 1_000)}`)
  const [, messageId = '', begin, end = '', recordCount, message] = match
  const attribute = (name: string) =>
    new RegExp(` ${name}="([^"]*)"`).exec(opening.slice(0, opening.indexOf('>', 60)))?.[1]
  const part = attribute('result_part_number')
  return {
    kind: 'poll',
    begin: begin === undefined ? undefined : toMicros(begin),
    end: toMicros(end),
    recordCount: Number(recordCount),
    message,
    more: attribute('more') === 'true',
    resultId: attribute('result_id'),
    part: part === undefined ? undefined : Number(part),
    blocks: pieces.slice(1).map((piece) => readBlock(blockStart + piece)),
    digest: digestOf(
      text.replace(messageId, '').replace(`<taxii_11:Message>${message}</taxii_11:Message>`, ''),
    ),
  }
}

/** Reads the blocks that came whole. */
export function readBroken(text: string): BrokenAnswer {
  const blocks = text
    .split(blockStart)
    .slice(1)
    .filter((piece) => piece.includes(blockEnd))
    .map((piece) => readBlock(blockStart + piece.slice(0, piece.indexOf(blockEnd)) + blockEnd))
  return { kind: 'broken', blocks }
}

function readBlock(text: string): SeenBlock {
  const match = block.exec(text)
  if (!match) throw new Error(`a block reads ${text}`)
  const [, content = '', label = ''] = match
  const guid = /:indicator-([0-9a-f-]{36})"/.exec(content)?.[1]
  const marks = [...content.matchAll(/publisher-\d\/r\d+ \(/g)].map(([mark]) => mark)
  if (!guid || marks.length === 0) throw new Error(`a block shows no claim: ${text}`)
  return { label: toMicros(label), digest: digestOf(content), guid, marks }
}

function toMicros(text: string): Micros {
  const micros = parseMicros(text)
  if (micros === undefined) throw new Error(`${text} is no timestamp`)
  return micros
}

function digestOf(text: string): string {
  return createHash('sha1').update(text).digest('base64')
}
