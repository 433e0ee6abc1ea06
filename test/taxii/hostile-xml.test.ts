import t from 'tap'
import { findAttribute, readXml } from '../../src/xml/read.ts'
import { headersOf, requestOf } from '../faults/xml-cases.ts'
import { type HttpAnswer, openWire, type Wire } from '../faults/xml-exchange.ts'
import { judgeAnswer } from '../faults/xml-judge.ts'
import { namespaces, type TaxiiVersion } from '../faults/xml-messages.ts'
import { startFuzzedServer } from '../faults/xml-server.ts'
import { acceptedDocuments, refusedDocuments, type Spoiled } from '../xml/hostile.ts'

const server = await startFuzzedServer(t)
const patienceMs = 60_000

const poll: Spoiled = {
  xml:
    `<t:Poll_Request xmlns:t="${namespaces['1.1']}" message_id="77" collection_name="all">` +
    '<t:Poll_Parameters><t:Response_Type>COUNT_ONLY</t:Response_Type></t:Poll_Parameters></t:Poll_Request>',
  prefix: 't',
  at: '<t:Poll_Parameters>',
}
const poll10: Spoiled = {
  xml:
    `<t:Poll_Request xmlns:t="${namespaces['1.0']}" message_id="77" feed_name="all">` +
    '<t:Exclusive_Begin_Timestamp>2031-01-01T00:00:00Z</t:Exclusive_Begin_Timestamp></t:Poll_Request>',
  prefix: 't',
  at: '<t:Exclusive_Begin_Timestamp>',
}
const packaged = (content: string) =>
  `<s:STIX_Package xmlns:s="http://stix.mitre.org/stix-1" id="x:Package-1" version="1.2">${content}</s:STIX_Package>`
const inboxOf = (content: string) =>
  `<t:Inbox_Message xmlns:t="${namespaces['1.1']}" message_id="77">` +
  '<t:Destination_Collection_Name>pushed</t:Destination_Collection_Name><t:Content_Block>' +
  '<t:Content_Binding binding_id="urn:stix.mitre.org:xml:1.2"/>' +
  `<t:Content>${content}</t:Content></t:Content_Block></t:Inbox_Message>`
const inbox: Spoiled = {
  xml: inboxOf(packaged('<s:STIX_Header><s:Title>x</s:Title></s:STIX_Header>')),
  prefix: 't',
  at: '<s:STIX_Header>',
}

async function ask(
  wire: Wire,
  body: Uint8Array,
  version: TaxiiVersion = '1.1',
): Promise<HttpAnswer> {
  const { head } = requestOf(
    {
      path: '/taxii/poll',
      headers: headersOf(version),
      manner: 'whole',
      random: undefined as never,
    },
    Buffer.from(body),
    server.authorization,
  )
  await wire.send(Buffer.concat([head, body]), patienceMs)
  const received = await wire.receive(patienceMs)
  if (received.kind !== 'answer') throw new Error(`no answer: ${received.kind}`)
  return received.answer
}

/** Asks on a connection as long as it stays, as clients do that keep theirs. */
function createAsking(t: { teardown(work: () => void): void }) {
  let wire: Wire | undefined
  t.teardown(() => wire?.close())
  return async (body: Uint8Array, version?: TaxiiVersion) => {
    wire ??= openWire(server.url)
    const answer = await ask(wire, body, version)
    const judged = judgeAnswer(answer)
    if (answer.headers.connection?.toLowerCase() === 'close') {
      wire.close()
      wire = undefined
    }
    const root = readXml(answer.body)
    return {
      ...judged,
      httpStatus: answer.status,
      statusType: findAttribute(root, 'status_type'),
      text: root.children.find(({ name }) => name === 'Message')?.text ?? '',
      root: root.name,
    }
  }
}

for (const [name, version, spoiled, whole] of [
  ['a Poll_Request', '1.1', poll, 'Poll_Response'],
  ['a Poll_Request of TAXII 1.0', '1.0', poll10, 'Poll_Response'],
  ['an Inbox_Message', '1.1', inbox, 'Status_Message'],
] as const) {
  t.test(
    `${name} that is hostile gets BAD_MESSAGE and its place, and the next is answered`,
    async (t) => {
      const asking = createAsking(t)
      for (const { what, bytes, says } of refusedDocuments(spoiled)) {
        const { statusType, httpStatus, text, fault } = await asking(bytes, version)
        t.equal(fault, undefined, what)
        t.strictSame([statusType, httpStatus], ['BAD_MESSAGE', 200], `${what}: ${text}`)
        t.match(text, says, what)
        t.match(text, /line \d+, column \d+: /, what)
        const next = await asking(Buffer.from(spoiled.xml), version)
        t.equal(next.root, whole, `the next after ${what}`)
      }
    },
  )

  t.test(`${name} is understood, however it is spelled`, async (t) => {
    const asking = createAsking(t)
    for (const { what, bytes } of acceptedDocuments(spoiled)) {
      const { root, statusType, text, fault } = await asking(bytes, version)
      t.equal(fault, undefined, what)
      t.equal(root, whole, `${what}: ${text}`)
      t.ok(statusType === undefined || statusType === 'SUCCESS', `${what}: ${text}`)
    }
  })
}

t.test('what is read before a fault tells which message is refused', async (t) => {
  const asking = createAsking(t)
  const spoiled = [
    Buffer.from(poll.xml.replace(poll.at, `<a>${poll.at}`)),
    Buffer.from(poll.xml.replace(poll.at, `\0${poll.at}`)),
    Buffer.concat([Buffer.from(poll.xml.slice(0, -5)), Buffer.from([0xff])]),
  ]
  for (const bytes of spoiled) t.match(await asking(bytes), { inResponseTo: '77' })
})

t.test('what is large takes no more memory than it may, and is refused as such', async (t) => {
  const asking = createAsking(t)
  const attribute = (bytes: number) => `a="${'x'.repeat(bytes)}"`
  const megabytes = (count: number) => count * 1_048_576
  const large: [what: string, xml: string, httpStatus: number, says: RegExp][] = [
    [
      'an attribute of 10 MB',
      poll.xml.replace('message_id', `${attribute(megabytes(10))} message_id`),
      413,
      /larger/,
    ],
    ['a text of 10 MB', poll.xml.replace('COUNT_ONLY', 'x'.repeat(megabytes(10))), 413, /larger/],
    ['200,000 elements', poll.xml.replace(poll.at, '<a/>'.repeat(300_000)), 413, /larger/],
    [
      'a comment of 10 MB before the root',
      `<!--${'x'.repeat(megabytes(10))}-->${poll.xml}`,
      413,
      /larger/,
    ],
    ['an Inbox_Message of 51 MB', inboxOf(packaged(' '.repeat(megabytes(51)))), 413, /larger/],
    [
      'an Inbox_Message with an attribute of 10 MB',
      inbox.xml.replace('<s:Title>', `<s:Title ${attribute(megabytes(10))}>`),
      200,
      /a start tag is longer than/,
    ],
    [
      'an Inbox_Message with a root of 10 MB',
      inbox.xml.replace('message_id', `${attribute(megabytes(10))} message_id`),
      413,
      /larger/,
    ],
    [
      'an Inbox_Message with a title of 20 MB',
      inbox.xml.replace('>x<', `>${'x'.repeat(megabytes(20))}<`),
      200,
      /one element or text is longer than/,
    ],
    [
      'an Inbox_Message with a package of 17 MB in one text',
      inboxOf(`<![CDATA[${'x'.repeat(megabytes(17))}]]>`),
      200,
      /more in one piece than is read: line 1, column \d+: content block 1: one element or text is longer than 16777216 characters; send a package as elements/,
    ],
    [
      'an Inbox_Message with a million elements in one',
      inbox.xml.replace('>x<', `>${'<a/>'.repeat(1_000_000)}<`),
      200,
      /more than 250000 elements/,
    ],
    [
      'an Inbox_Message with 20,000 blocks that hold nothing',
      inboxOf('').replace(/<t:Content_Block>.*<\/t:Content_Block>/, (block) =>
        block.repeat(20_000),
      ),
      200,
      /content block 1: /,
    ],
  ]
  for (const [what, xml, httpStatus, says] of large) {
    const answer = await asking(Buffer.from(xml))
    t.strictSame(
      [answer.statusType, answer.httpStatus],
      ['BAD_MESSAGE', httpStatus],
      `${what}: ${answer.text}`,
    )
    t.match(answer.text, says, what)
    t.notMatch(answer.text, /not well-formed/, what)
    t.equal((await asking(Buffer.from(poll.xml))).root, 'Poll_Response', `the next after ${what}`)
    t.ok(server.residentMb() < 500, `${server.residentMb()} MB after ${what}`)
  }
})

t.test('nothing of it was an error of the server', async (t) => {
  t.strictSame(server.faults, [])
})
