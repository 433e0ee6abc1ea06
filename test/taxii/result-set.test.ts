import fc from 'fast-check'
import t from 'tap'
import { formatMicros } from '../../src/model/micros.ts'
import { findAttribute } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection, memoryFeed, otherReader, second, start } from './memory-feed.ts'
import {
  type Answer,
  basic,
  childText,
  fulfillment,
  labelsOf,
  password,
  pollRequest,
  startServer,
  statusOf,
  type TestServer,
} from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const cabby = { 'User-Agent': 'Cabby 0.1.23' }
const answers: string[] = []

function labels(count: number): number[] {
  return Array.from({ length: count }, (_, index) => start + (index + 1) * second)
}

async function serverWith(
  t: { teardown(end: () => Promise<unknown>): void },
  count: number,
  pageSize: number,
): Promise<TestServer> {
  const server = await startServer(t)
  server.feed.collections.push(
    collection({ pageSize }),
    collection({ id: 2, name: 'other', pageSize }),
  )
  server.feed.publish(1, stix12, ...labels(count))
  t.teardown(async () => answers.push(...server.answers))
  return server
}

function partOf({ root }: Answer) {
  return {
    more: findAttribute(root, 'more'),
    part: findAttribute(root, 'result_part_number'),
    begin: childText(root, 'Exclusive_Begin_Timestamp'),
    end: childText(root, 'Inclusive_End_Timestamp'),
    count: childText(root, 'Record_Count'),
  }
}

function resultIdOf({ root }: Answer): string {
  return findAttribute(root, 'result_id') ?? ''
}

/** Polls as cabby does: by a count of its own, until a part is empty. */
async function* pollLikeCabby(server: TestServer): AsyncGenerator<(string | undefined)[]> {
  const first = await server.post(pollRequest())
  yield labelsOf(first)
  if (findAttribute(first.root, 'more') !== 'true') return
  for (let part = 2; ; part += 1) {
    const answer = await server.post(fulfillment(resultIdOf(first), part), { headers: cabby })
    if (answer.root.name !== 'Poll_Response') throw new Error(answer.body)
    const found = labelsOf(answer)
    if (found.length === 0) return
    yield found
  }
}

t.test('a long answer comes in parts that meet', async (t) => {
  const server = await serverWith(t, 5, 2)
  const written = labels(5).map(formatMicros)
  const first = await server.post(pollRequest())
  const id = resultIdOf(first)
  t.strictSame(labelsOf(first), written.slice(0, 2))
  t.strictSame(partOf(first), {
    more: 'true',
    part: '1',
    begin: undefined,
    end: written[1],
    count: '5',
  })
  const middle = await server.post(fulfillment(id, 2))
  t.equal(resultIdOf(middle), id)
  t.strictSame(labelsOf(middle), written.slice(2, 4))
  t.strictSame(partOf(middle), {
    more: 'true',
    part: '2',
    begin: written[1],
    end: written[3],
    count: '5',
  })
  const last = await server.post(fulfillment(id, 3))
  t.strictSame(labelsOf(last), written.slice(4))
  t.strictSame(partOf(last), {
    more: 'false',
    part: '3',
    begin: written[3],
    end: formatMicros(server.feed.now),
    count: '5',
  })
})

t.test('blocks published meanwhile stay out, and any part can be asked for again', async (t) => {
  const server = await serverWith(t, 5, 2)
  const first = await server.post(pollRequest())
  const id = resultIdOf(first)
  const before = await server.post(fulfillment(id, 3))
  server.feed.now += 10 * second
  server.feed.publish(1, stix12, server.feed.now - second)
  t.strictSame(labelsOf(await server.post(fulfillment(id, 3))), labelsOf(before))
  t.strictSame(labelsOf(await server.post(fulfillment(id, 1))), labelsOf(first))
})

t.test('an answer that fits one page exactly is not in parts', async (t) => {
  const server = await serverWith(t, 2, 2)
  const whole = await server.post(pollRequest())
  t.strictSame(labelsOf(whole), labels(2).map(formatMicros))
  t.equal(findAttribute(whole.root, 'more'), 'false')
  t.equal(findAttribute(whole.root, 'result_id'), undefined)
  t.equal(server.feed.sets.size, 0)
})

t.test('two full pages are two parts and not three', async (t) => {
  const server = await serverWith(t, 4, 2)
  const first = await server.post(pollRequest())
  const last = await server.post(fulfillment(resultIdOf(first), 2))
  t.equal(labelsOf(last).length, 2)
  t.equal(findAttribute(last.root, 'more'), 'false')
})

t.test('a part beyond the end is invalid, and does the set no harm', async (t) => {
  const server = await serverWith(t, 5, 2)
  const id = resultIdOf(await server.post(pollRequest()))
  for (const part of ['4', '99', '9'.repeat(400)]) {
    const answer = await server.post(fulfillment(id, part))
    t.equal(statusOf(answer), 'INVALID_RESPONSE_PART MAX_PART_NUMBER=3')
  }
  t.equal(
    statusOf(await server.post(fulfillment(id, 99), { headers: cabby })),
    'INVALID_RESPONSE_PART MAX_PART_NUMBER=3',
  )
  t.equal(labelsOf(await server.post(fulfillment(id, 2))).length, 2)
})

t.test('cabby, which always asks for one part too many, gets that one empty', async (t) => {
  const server = await serverWith(t, 5, 2)
  const id = resultIdOf(await server.post(pollRequest()))
  const beyond = await server.post(fulfillment(id, 4), { headers: cabby })
  t.strictSame(labelsOf(beyond), [])
  const now = formatMicros(server.feed.now)
  t.strictSame(partOf(beyond), { more: 'false', part: '4', begin: now, end: now, count: '5' })
})

t.test('a result set belongs to its account and its collection', async (t) => {
  const server = await serverWith(t, 5, 2)
  const id = resultIdOf(await server.post(pollRequest()))
  const headers = { Authorization: basic(otherReader.name, password) }
  t.equal(statusOf(await server.post(fulfillment(id, 2), { headers })), 'ASYNCHRONOUS_POLL_ERROR')
  t.equal(statusOf(await server.post(fulfillment(id, 2, 'other'))), 'ASYNCHRONOUS_POLL_ERROR')
  t.equal(statusOf(await server.post(fulfillment(id, 2, 'absent'))), 'NOT_FOUND ITEM=absent')
  server.feed.hidden.add('urls')
  t.equal(statusOf(await server.post(fulfillment(id, 2), { headers })), 'NOT_FOUND ITEM=urls')
})

t.test('a part that was emptied takes over the next live block', async (t) => {
  const server = await serverWith(t, 8, 2)
  const all = labels(8)
  const first = await server.post(pollRequest())
  server.feed.withdraw(...all.slice(2, 5))
  const id = resultIdOf(first)
  const second = await server.post(fulfillment(id, 2))
  t.strictSame(labelsOf(second), [formatMicros(all[5] ?? 0)])
  t.strictSame(labelsOf(await server.post(fulfillment(id, 2))), labelsOf(second), 'asked again')
  const third = await server.post(fulfillment(id, 3))
  t.strictSame(labelsOf(third), [formatMicros(all[6] ?? 0)])
  const fourth = await server.post(fulfillment(id, 4))
  t.strictSame(labelsOf(fourth), [formatMicros(all[7] ?? 0)])
  t.equal(findAttribute(fourth.root, 'more'), 'false')
})

t.test('when nothing is left, the part is empty and the last', async (t) => {
  const server = await serverWith(t, 8, 2)
  const id = resultIdOf(await server.post(pollRequest()))
  server.feed.withdraw(...labels(8).slice(2))
  for (const part of [2, 3, 4]) {
    const answer = await server.post(fulfillment(id, part))
    t.strictSame(labelsOf(answer), [])
    t.equal(findAttribute(answer.root, 'more'), 'false')
    t.equal(childText(answer.root, 'Inclusive_End_Timestamp'), formatMicros(server.feed.now))
  }
})

t.test(
  'a client like cabby gets every block once, whatever is withdrawn between its parts',
  async (t) => {
    const server = await startServer(t, { feed: memoryFeed({ batchSize: 3 }) })
    t.teardown(async () => answers.push(...server.answers.slice(0, 50)))
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 15 }), { maxLength: 6 }), {
          maxLength: 5,
        }),
        async (count, pageSize, withdrawals) => {
          const { feed } = server
          const all = labels(count)
          feed.withdraw(...labels(20))
          feed.collections.splice(0, 1, collection({ pageSize }))
          feed.publish(1, stix12, ...all)
          const seen: (string | undefined)[] = []
          const withdrawn = new Set<string>()
          let step = 0
          for await (const part of pollLikeCabby(server)) {
            for (const label of part) {
              if (withdrawn.has(label ?? '')) throw new Error(`${label} had been withdrawn`)
            }
            seen.push(...part)
            for (const index of withdrawals[step] ?? []) {
              const label = all[index]
              if (label === undefined) continue
              feed.withdraw(label)
              withdrawn.add(formatMicros(label))
            }
            step += 1
          }
          if (new Set(seen).size !== seen.length) throw new Error(`repeated: ${seen}`)
          const missed = all
            .map(formatMicros)
            .filter((one) => !seen.includes(one) && !withdrawn.has(one))
          if (missed.length > 0) throw new Error(`missed: ${missed}`)
          t.strictSame(seen, seen.toSorted())
        },
      ),
      { seed: 20260101, numRuns: 100 },
    )
  },
)

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(answers)).flat(), [])
})
