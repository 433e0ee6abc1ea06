import t, { type Test } from 'tap'
import { formatMicros } from '../../../src/model/micros.ts'
import { createWarnings, type Warning } from '../../../src/taxii/client/warnings.ts'
import { findAttribute } from '../../../src/xml/read.ts'
import { childText } from '../server.ts'
import { type Asked, hour, noon, pollOnce } from './polling.ts'
import {
  type Answering,
  contentBlock,
  domainPackage,
  goodHeaders,
  pollResponse,
  send,
  startRogueServer,
  statusMessage,
} from './rogue-server.ts'

const block = (name: string, label: number | string | undefined = noon) =>
  contentBlock(domainPackage(`${name}.example`), label)

async function pollAt(t: Test, answer: Answering, asked: Asked = {}) {
  const server = await startRogueServer(t, answer)
  return { ...(await pollOnce(server.url, asked)), ...server }
}

const borne: Record<string, [rules: string[], answer: Answering]> = {
  'no Inclusive_End_Timestamp': [['no-end'], (met) => send(met, pollResponse(met, { end: null }))],
  'an earlier end': [
    ['another-end'],
    (met) => send(met, pollResponse(met, { end: formatMicros(noon - 1) })),
  ],
  'a later begin': [
    ['another-begin'],
    (met) => send(met, pollResponse(met, { begin: formatMicros(noon - 5) })),
  ],
  'a timestamp without a zone': [
    ['timestamp'],
    (met) => send(met, pollResponse(met, { end: '2026-11-21T12:00:00' })),
  ],
  'a block without a label': [
    ['no-label'],
    (met) =>
      send(met, pollResponse(met, { blocks: contentBlock(domainPackage('a.example'), undefined) })),
  ],
  'a label that is no timestamp': [
    ['timestamp'],
    (met) => send(met, pollResponse(met, { blocks: block('a', 'yesterday') })),
  ],
  'labels outside the window, its begin too': [
    ['label-outside'],
    (met) =>
      send(met, pollResponse(met, { blocks: block('a', noon + 1) + block('b', noon - hour) })),
  ],
  'another collection': [
    ['another-collection'],
    (met) => send(met, pollResponse(met, { collection: 'd' })),
  ],
  'a Record_Count of more than came': [
    ['record-count'],
    (met) => send(met, pollResponse(met, { count: 2, blocks: block('a') })),
  ],
  'a block that came twice': [
    ['repeated-block'],
    (met) => send(met, pollResponse(met, { blocks: block('a') + block('a') })),
  ],
  'another part than the first': [
    ['part-number'],
    (met) => send(met, pollResponse(met, { attributes: 'result_part_number="2"' })),
  ],
  'more without a result_id': [
    ['no-result-id'],
    (met) => send(met, pollResponse(met, { attributes: 'more="true"' })),
  ],
  'an answer to another message': [
    ['in-response-to'],
    (met) => send(met, pollResponse(met).replace(/in_response_to="[^"]*"/, 'in_response_to="0"')),
  ],
  'another Content-Type': [
    ['content-type'],
    (met) => send(met, pollResponse(met), { 'Content-Type': 'text/plain' }),
  ],
  'missing TAXII headers': [
    ['taxii-headers'],
    (met) => {
      const { 'X-TAXII-Services': _, ...rest } = goodHeaders
      met.response.writeHead(200, rest).end(pollResponse(met))
    },
  ],
}

for (const [name, [rules, answer]] of Object.entries(borne)) {
  t.test(`${name} is borne, and warned of`, async (t) => {
    const polled = await pollAt(t, answer)
    t.equal(polled.outcome.fault, undefined)
    t.strictSame(polled.rules, rules)
  })
}

t.test('more="1" loses pages, as libtaxii loses them, and says so', async (t) => {
  const { outcome, rules, met } = await pollAt(t, (met) =>
    send(met, pollResponse(met, { attributes: 'more="1" result_id="r"', blocks: block('a') })),
  )
  t.strictSame(rules, ['more'])
  t.match(outcome.warnings[0]?.text, /lose the pages/)
  t.equal(met.length, 1)
  t.equal(outcome.tally.blocks, 1)
})

/** A server with so many parts of one block each. */
function inParts(parts: number, behind: 'empty' | 'refused', gap?: number): Answering {
  return (met) => {
    const part = Number(findAttribute(met.root, 'result_part_number') ?? 1)
    if (part > parts && behind === 'refused')
      return send(met, statusMessage(met, 'INVALID_RESPONSE_PART'))
    const window = { begin: formatMicros(noon - hour), end: formatMicros(noon) }
    const attributes = `more="${part < parts}" result_id="r&amp;1" result_part_number="${part}"`
    const blocks = part > parts || part === gap ? '' : block(`part${part}`, noon - part)
    return send(met, pollResponse(met, { ...window, attributes, blocks }))
  }
}

t.test('parts are asked for by Poll_Fulfillment at the same address', async (t) => {
  for (const as of ['esa', 'tid'] as const) {
    const { outcome, rules, met } = await pollAt(t, inParts(3, 'empty'), { as, discovers: false })
    t.equal(outcome.fault, undefined)
    t.strictSame(rules, [])
    t.equal(outcome.tally.blocks, 3)
    const asked = met.map(({ path, root }) => [
      path,
      root.name,
      findAttribute(root, 'collection_name'),
      findAttribute(root, 'result_id'),
      findAttribute(root, 'result_part_number'),
    ])
    const fulfillment = (part: number) => ['/taxii/poll', 'Poll_Fulfillment', 'c', 'r&1', `${part}`]
    t.strictSame(asked, [
      ['/taxii/poll', 'Poll_Request', 'c', undefined, undefined],
      fulfillment(2),
      fulfillment(3),
      // cabby reads until a part is empty.
      ...(as === 'esa' ? [fulfillment(4)] : []),
    ])
  }
})

t.test('a server that refuses the part behind the last makes cabby fail in the end', async (t) => {
  const { outcome, rules, requests } = await pollAt(t, inParts(2, 'refused'), { as: 'cabby' })
  t.equal(outcome.fault, undefined)
  t.equal(outcome.tally.blocks, 2)
  t.strictSame(rules, ['past-last-part'])
  t.equal(requests.length, 3, 'it is not tried again')
})

t.test('an empty part in the middle ends cabby, and not the others', async (t) => {
  const ended = await pollAt(t, inParts(4, 'empty', 2), { as: 'cabby' })
  t.strictSame([ended.rules, ended.outcome.tally.blocks], [['empty-part'], 1])
  const whole = await pollAt(t, inParts(4, 'empty', 2), { as: 'tid', discovers: false })
  t.strictSame([whole.rules, whole.outcome.tally.blocks], [[], 3])
})

t.test('a block of one window that comes in another one again is warned of', async (t) => {
  const { outcome, rules } = await pollAt(
    t,
    (met) => send(met, pollResponse(met, { blocks: block('a', noon) })),
    { begin: noon - 2 * 86_400_000_000, windowDays: 1 },
  )
  t.strictSame(rules, ['label-outside', 'repeated-block'])
  t.match(outcome.tally.types.get('domain'), { ingested: 2, distinct: 1 })
})

t.test('a full poll and deltas ask without a gap, each from the last end', async (t) => {
  let now = noon
  const { met, outcome, windows } = await pollAt(t, (met) => send(met, pollResponse(met)), {
    begin: noon - 12 * 86_400_000_000,
    windowDays: 5,
    deltas: 2,
    now: () => {
      now += 1_000_001
      return now
    },
  })
  const asked = met.map(({ root }) => [
    childText(root, 'Exclusive_Begin_Timestamp'),
    childText(root, 'Inclusive_End_Timestamp'),
  ])
  t.strictSame(asked, [
    ['2026-11-09T12:00:00+00:00', '2026-11-14T12:00:00+00:00'],
    ['2026-11-14T12:00:00+00:00', '2026-11-19T12:00:00+00:00'],
    ['2026-11-19T12:00:00+00:00', '2026-11-21T12:00:00+00:00'],
    ['2026-11-21T12:00:00+00:00', '2026-11-21T12:00:02.000002+00:00'],
    ['2026-11-21T12:00:02.000002+00:00', '2026-11-21T12:00:03.000003+00:00'],
  ])
  t.strictSame(
    windows.map(({ kind, number }) => `${kind} ${number}`),
    ['full 1', 'full 2', 'full 3', 'delta 1', 'delta 2'],
  )
  t.match(outcome, { windows: { polled: 3, planned: 3 }, deltas: 2, until: noon + 3_000_003 })
})

t.test('following goes on behind a failed delta, from where that began', async (t) => {
  const stop = new AbortController()
  let now = noon
  let sleeps = 0
  const { met, outcome, rules, slept } = await pollAt(
    t,
    (met) => {
      if (met.number === 2) met.response.writeHead(404).end()
      else send(met, pollResponse(met))
    },
    {
      intervalMs: 3_600_000,
      now: () => now,
      signal: stop.signal,
      onSleep() {
        now += hour
        sleeps += 1
        if (sleeps === 4) stop.abort()
      },
    },
  )
  const begins = met.map(({ root }) => childText(root, 'Exclusive_Begin_Timestamp')?.slice(11, 19))
  t.strictSame(begins, ['11:00:00', '12:00:00', '12:00:00', '14:00:00'])
  t.strictSame(rules, ['failed-poll'])
  t.strictSame(slept, [3_600_000, 3_600_000, 3_600_000, 3_600_000])
  t.match(outcome, { stopped: false, fault: undefined, deltas: 2 })
})

t.test('the first few warnings of each rule are handed on, and all are counted', async (t) => {
  const handedOn: Warning[] = []
  const { warn, all } = createWarnings((warning) => handedOn.push(warning))
  for (let number = 1; number <= 1000; number += 1) {
    warn({ rule: 'a', text: 'it is so', where: `${number}` })
  }
  warn({ rule: 'b', text: 'and so' })
  t.strictSame(
    handedOn.map(({ rule, where }) => [rule, where]),
    [
      ['a', '1'],
      ['a', '2'],
      ['a', '3'],
      ['b', undefined],
    ],
  )
  t.match(all(), [
    { rule: 'a', where: '1', count: 1000 },
    { rule: 'b', count: 1 },
  ])
})
