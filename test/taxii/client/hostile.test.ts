import t, { type Test } from 'tap'
import { findAttribute } from '../../../src/xml/read.ts'
import { noon, pollOnce } from './polling.ts'
import {
  type Answering,
  contentBlock,
  domainPackage,
  goodHeaders,
  pollResponse,
  send,
  startRogueServer,
  statusMessage,
  taxii,
} from './rogue-server.ts'

const block = (name: string) => contentBlock(domainPackage(`${name}.example`), noon)

async function pollAt(t: Test, answer: Answering, asked: Parameters<typeof pollOnce>[1] = {}) {
  const server = await startRogueServer(t, answer)
  return { ...(await pollOnce(server.url, asked)), met: server.met }
}

t.test('a status that is called like what every object has is a fault like others', async (t) => {
  for (const type of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    const { outcome } = await pollAt(t, (met) => send(met, statusMessage(met, type)))
    t.match(outcome.fault, {
      kind: 'status-message',
      message: type,
      advice: ['look into the log of the server at this moment'],
    })
  }
})

t.test('observables of types that are called so are counted like others', async (t) => {
  const properties = (type: string) =>
    domainPackage('a', type).replace('DomainNameObj:DomainNameObjectType', `x:${type}`)
  const blocks = ['constructor', '__proto__'].map((type) => contentBlock(properties(type), noon))
  const { outcome } = await pollAt(t, (met) =>
    send(met, pollResponse(met, { blocks: blocks.join('') })),
  )
  t.equal(outcome.fault, undefined)
  t.equal(outcome.tally.blocks, 2)
})

t.test('texts of any length are cut where they are told and kept', async (t) => {
  const long = 'x'.repeat(1_000_000)
  const status = await pollAt(t, (met) =>
    send(
      met,
      statusMessage(
        met,
        `NOT${long}`,
        `<Status_Detail>${`<Detail name="N">${long}</Detail>`.repeat(12)}</Status_Detail><Message>${long}</Message>`,
      ),
    ),
  )
  t.ok((status.outcome.fault?.message ?? long).length <= 1000)
  t.match(status.outcome.fault?.message, /^NOTx+…x/)
  const odd = contentBlock(domainPackage('a.example'), long).replace(/binding_id="/, `$&${long}`)
  const { outcome, warned } = await pollAt(t, (met) =>
    send(met, pollResponse(met, { blocks: odd })),
  )
  t.equal(outcome.fault, undefined)
  t.ok(warned.length > 0)
  const kept = [...outcome.tally.bindings, ...outcome.tally.choked.values(), ...warned]
  t.ok(JSON.stringify(kept).length < 5000)
})

t.test('an advertised address of any length, and services without number, are cut', async (t) => {
  const answerWith = (services: string): Answering => {
    return (met) => {
      const id = findAttribute(met.root, 'message_id')
      send(
        met,
        `<Discovery_Response xmlns="${taxii}" message_id="1" in_response_to="${id}">${services}</Discovery_Response>`,
      )
    }
  }
  const service = (type: string, address: string) =>
    `<Service_Instance service_type="${type}"><Address>${address}</Address></Service_Instance>`
  const far = `http://127.0.0.1/${'x'.repeat(300_000)}`
  for (const services of [
    service('COLLECTION_MANAGEMENT', far),
    service('INBOX', 'http://127.0.0.1/inbox').repeat(30_000),
  ]) {
    const { outcome, met } = await pollAt(t, answerWith(services), { as: 'tid' })
    t.equal(outcome.fault?.kind, 'not-advertised')
    const said = [outcome.fault?.message, ...(outcome.fault?.advice ?? [])].join('\n')
    t.ok(said.length < 2500, `${said.length}`)
    if (services.length > 1_000_000) t.match(said, /INBOX at .* and 29980 more/)
    t.equal(met.length, 1, 'nothing is sent to such an address')
  }
})

const inPart = (number: number | string, blocks: string, resultId = 'r'): Answering => {
  return (met) =>
    send(
      met,
      pollResponse(met, {
        attributes: `more="true" result_id="${resultId}" result_part_number="${number}"`,
        blocks,
      }),
    )
}

interface Endless {
  readonly answer: Answering
  readonly kind?: string
  readonly says: RegExp
  /** at most */
  readonly requests: number
}

const cases: Record<string, Endless> = {
  'a part number that does not grow': {
    answer: (met) => inPart(1, block(`part-${met.number}`))(met),
    says: /twice in a row another part came than was asked for, now 1 for 3/,
    requests: 3,
  },
  'a part number that is no safe integer': {
    answer: inPart('9'.repeat(23), block('a')),
    says: /no number of a part: 9{23}/,
    requests: 1,
  },
  'the same part again and again': {
    answer: (met) => inPart(met.number, block('a'))(met),
    says: /part 2 brings the same blocks as the part before it/,
    requests: 2,
  },
  'a result_id of 100 kB': {
    answer: inPart(1, block('a'), 'r'.repeat(100_000)),
    kind: 'too-large',
    says: /result_id is longer than 1024 characters/,
    requests: 1,
  },
  'elements other than blocks without end': {
    answer: ({ response }) => {
      response.writeHead(200, goodHeaders)
      response.write(`<Poll_Response xmlns="${taxii}" message_id="1" collection_name="c">`)
      const piece = '<x/>'.repeat(1000)
      const sending = setInterval(() => response.write(piece), 1)
      response.on('close', () => clearInterval(sending))
    },
    says: /the Poll_Response has more than 10000 elements besides blocks/,
    requests: 1,
  },
  'blocks without end': {
    answer: ({ response }) => {
      response.writeHead(200, goodHeaders)
      response.write(`<Poll_Response xmlns="${taxii}" message_id="1" collection_name="c">`)
      const sending = setInterval(() => response.write(block('a')), 5)
      response.on('close', () => clearInterval(sending))
    },
    kind: 'timeout',
    says: /was not whole after 300 ms/,
    requests: 1,
  },
}

for (const [name, { answer, kind = 'endless', says, requests }] of Object.entries(cases)) {
  t.test(`${name} ends the poll`, async (t) => {
    const bounds = kind === 'timeout' ? { wholeMs: 300 } : {}
    const { outcome, met } = await pollAt(t, answer, { bounds })
    t.equal(outcome.fault?.kind, kind)
    t.match(outcome.fault?.message, says)
    t.ok(outcome.fault && outcome.fault.advice.length > 0)
    t.equal(met.length, requests)
  })
}

t.test(
  'one part that is misnumbered, parts without numbers and equal labels are borne',
  async (t) => {
    for (const number of [() => 'result_part_number="1"', () => '']) {
      const { outcome } = await pollAt(t, (met) => {
        const attributes = `more="${met.number < 3}" result_id="r" ${met.number === 2 ? number() : ''}`
        const blocks = met.number > 3 ? '' : block(`part-${met.number}`)
        send(met, pollResponse(met, { attributes, blocks }))
      })
      t.equal(outcome.fault, undefined)
      t.equal(outcome.tally.blocks, 3)
    }
  },
)
