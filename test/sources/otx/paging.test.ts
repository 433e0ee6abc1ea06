import fc from 'fast-check'
import t from 'tap'
import {
  beyondDepth,
  buildOtxStandin,
  largePagesFrom,
  type StandinPulse,
} from '../../../src/standins/otx.ts'
import type { OtxFault } from '../../../src/standins/otx-faults.ts'
import {
  aClient,
  allOf,
  apiKey,
  everyId,
  failureOf,
  idsOf,
  type ListRequest,
  start,
  startMadeUp,
} from './clients.ts'

t.test('a next that repeats an earlier page before the last pulse is an error', async (t) => {
  const { walk, standin } = await start(t, { retries: 1 })
  standin.misbehave({ kind: 'none' }, { kind: 'repeated-page' }, { kind: 'repeated-page' })
  t.match(await failureOf(walk()), { code: 'OTX_REPEATED_PAGE', retryable: true })
})

t.test('a next that repeats a page behind the last pulse ends the walk', async (t) => {
  const { walk, standin, retries } = await start(t)
  standin.misbehave({ kind: 'none' }, { kind: 'none' }, { kind: 'repeated-page' })
  const pages = await walk()
  t.strictSame(idsOf(pages), everyId)
  t.equal(pages.at(-1)?.nextOffset, undefined)
  t.strictSame(retries, [])
})

t.test('an answer beyond the limit is given up without keeping it', async (t) => {
  const { walk, standin } = await start(t, { maxBodyBytes: 500 })
  t.match(await failureOf(walk()), {
    code: 'OTX_BODY_TOO_LARGE',
    message: 'record 1 of the list: an answer of OTX is longer than 500 bytes',
    retryable: false,
    offset: 0,
  })
  t.equal(standin.requests.length, 2)
})

const gatewayError: OtxFault = { kind: 'html-error', status: 504 }
const limitsOf = (requests: readonly string[]) =>
  requests.map((request) => {
    const query = new URL(request, 'http://x').searchParams
    return [Number(query.get('limit')), Number(query.get('page'))]
  })

/** So many pulses, the newest first: r0, r1 and so on, a minute apart. */
function manyPulses(many: number): StandinPulse[] {
  return Array.from({ length: many }, (_, n) => ({ id: `r${n}`, modified: minutesAgo(n) }))
}
const minutesAgo = (minutes: number) =>
  new Date(Date.UTC(2026, 5, 1) - minutes * 60_000).toISOString().slice(0, -1)
const names = (begin: number, end: number) =>
  Array.from({ length: Math.max(0, end - begin) }, (_, n) => `r${begin + n}`)

t.test(
  'a gateway error halves the page and keeps the place, for the rest of the walk',
  async (t) => {
    const { walk, standin, waits } = await start(t, { pageSize: 8 }, { pulses: manyPulses(20) })
    standin.misbehave({ kind: 'none' }, gatewayError, { kind: 'html-error', status: 502 })
    const pages = await walk()
    t.strictSame(idsOf(pages), names(0, 20))
    t.strictSame(limitsOf(standin.requests), [
      [8, 1],
      [8, 2],
      [4, 3],
      [2, 5],
      [2, 6],
      [2, 7],
      [2, 8],
      [2, 9],
      [2, 10],
    ])
    t.strictSame(
      pages.map(({ offset, pageSize, nextOffset }) => [offset, pageSize, nextOffset]),
      [
        [0, 8, 8],
        [8, 2, 10],
        [10, 2, 12],
        [12, 2, 14],
        [14, 2, 16],
        [16, 2, 18],
        [18, 2, undefined],
      ],
    )
    t.strictSame(waits, [500, 1000])
  },
)

t.test('silence halves the page too; other faults do not', async (t) => {
  const { walk, standin } = await start(
    t,
    { pageSize: 4, timeoutMs: 300 },
    { pulses: manyPulses(6) },
  )
  standin.misbehave(
    { kind: 'html-page' },
    { kind: 'too-many-requests' },
    { kind: 'connection-reset', from: 'body' },
    { kind: 'none' },
    { kind: 'stalled', from: 'body' },
  )
  t.strictSame(idsOf(await walk()), names(0, 6))
  t.strictSame(limitsOf(standin.requests), [
    [4, 1],
    [4, 1],
    [4, 1],
    [4, 1],
    [4, 2],
    [2, 3],
  ])
})

t.test('a list of which OTX gives large pages near its head only is walked whole', async (t) => {
  const { walk, client, standin } = await start(
    t,
    { pageSize: 32, retries: 2 },
    { pulses: manyPulses(150) },
  )
  standin.misbehaveWhile(largePagesFrom(64, 1), gatewayError)
  t.strictSame(idsOf(await walk()), names(0, 150))
  // 504 while limit × page is above 70: beyond that, nothing helps, and what was had is kept.
  standin.behave()
  standin.misbehaveWhile(beyondDepth(70), gatewayError)
  const walked: string[] = []
  const walking = async () => {
    for await (const page of client.subscribedPages()) walked.push(...idsOf([page]))
  }
  t.match(await failureOf(walking()), { code: 'OTX_UNAVAILABLE' })
  t.strictSame(walked, names(0, 70))
})

t.test('with no retries a gateway error is an error at once', async (t) => {
  const { walk, standin } = await start(t, { retries: 0 })
  standin.misbehave(gatewayError)
  t.match(await failureOf(walk()), { code: 'OTX_UNAVAILABLE', retryable: true })
  t.equal(standin.requests.length, 1)
})

t.test('an upstream that asks for a long rest is not asked for less', async (t) => {
  const { walk, standin } = await start(t)
  standin.misbehave({ kind: 'html-error', status: 503, retryAfter: '3600' })
  t.match(await failureOf(walk()), { code: 'OTX_UNAVAILABLE', retryAfterMs: 3_600_000 })
  t.equal(standin.requests.length, 1)
})

t.test('a record that is too large is asked for alone, and named where it stays so', async (t) => {
  const pulses = manyPulses(20).map((pulse, n) =>
    n === 5 ? { ...pulse, description: 'x'.repeat(3_000) } : pulse,
  )
  const large = await start(t, { pageSize: 8, maxBodyBytes: 4_000 }, { pulses })
  t.strictSame(idsOf(await large.walk()), names(0, 20))
  t.strictSame(large.waits, [])
  // Behind it pages grow again, as their places permit.
  t.strictSame(limitsOf(large.standin.requests).slice(-2), [
    [8, 2],
    [8, 3],
  ])

  const tooLarge = await start(t, { pageSize: 8, maxBodyBytes: 2_500 }, { pulses })
  const walked: string[] = []
  const walking = async () => {
    for await (const page of tooLarge.client.subscribedPages()) walked.push(...idsOf([page]))
  }
  const error = await failureOf(walking())
  t.match(error, { code: 'OTX_BODY_TOO_LARGE', retryable: false, offset: 5 })
  t.strictSame(walked, names(0, 5))
  t.strictSame(idsOf(await tooLarge.walk({ offset: 6 })), names(6, 20))
})

t.test('a page of several records may have a quarter of what one may have', async (t) => {
  const settings = { pulses: manyPulses(8) }
  const [page] = await (await start(t, { pageSize: 8 }, settings)).walk()
  const bytes = Number(page?.bytes)
  const fits = await start(t, { pageSize: 8, maxBodyBytes: 4 * bytes }, settings)
  t.equal((await fits.walk()).length, 1)
  const halved = await start(t, { pageSize: 8, maxBodyBytes: 4 * bytes - 4 }, settings)
  t.strictSame(
    (await halved.walk()).map(({ pageSize }) => pageSize),
    [4, 4],
  )
})

t.test('a list of which OTX gives fewer than asked for is walked by its own pages', async (t) => {
  for (const [maxLimit, pageSize] of [
    [3, 8],
    [5, 8],
    [1, 4],
    [7, 64],
  ] as const) {
    const { walk, standin } = await start(t, { pageSize }, { pulses: manyPulses(30), maxLimit })
    // Offsets that trusted the size asked for would now lead past records.
    standin.misbehave({ kind: 'none' }, { kind: 'none' }, { kind: 'none' }, gatewayError)
    const pages = await walk()
    t.strictSame(idsOf(pages), names(0, 30), `${maxLimit} of ${pageSize}`)
    for (const { offset, results } of pages) {
      t.equal(`r${offset}`, (results[0] as { id: string }).id)
    }
  }
})

t.test('pages that leave out records here and there are taken as they are', async (t) => {
  const left = names(0, 32).filter((id) => !['r3', 'r13', 'r20'].includes(id))
  const listing = ({ offset, limit, next }: ListRequest) => ({
    results: names(offset, Math.min(32, offset + limit))
      .filter((id) => left.includes(id))
      .map((id) => ({ id })),
    next: offset + limit < 32 ? next.href : null,
    count: 32,
  })
  const { walk } = await startMadeUp(t, listing, { pageSize: 8 })
  t.strictSame(idsOf(await walk()), left)
  const { walk: uncounted } = await startMadeUp(
    t,
    (request) => ({ ...listing(request), count: null }),
    { pageSize: 8 },
  )
  t.strictSame(idsOf(await uncounted()), left)
})

t.test('an empty page before the end is asked for again', async (t) => {
  const { walk, standin, retries } = await start(t)
  standin.misbehave({ kind: 'empty-page' }, { kind: 'none' }, { kind: 'empty-page' })
  t.strictSame(idsOf(await walk()), everyId)
  t.strictSame(
    retries.map(({ error }) => error.code),
    ['OTX_EMPTY_PAGE', 'OTX_EMPTY_PAGE'],
  )
  standin.misbehaveWhile(({ page }) => page === 3, { kind: 'empty-page' })
  t.match(await failureOf(walk()), { code: 'OTX_EMPTY_PAGE', retryable: true })
})

t.test(
  'an empty list is a walk of one page, and so is what lies behind the last record',
  async (t) => {
    const empty = await start(t, {}, { pulses: [] })
    t.match(await empty.walk(), [{ results: [], count: 0, nextOffset: undefined }])
    const { walk, standin } = await start(t)
    t.match(await walk({ offset: 6 }), [{ results: [], offset: 6, nextOffset: undefined }])
    // Where OTX counts nothing, only the first page may be empty.
    standin.misbehaveWhile(() => true, { kind: 'other-json', json: { results: [], next: null } })
    t.match(await walk(), [{ results: [], count: undefined }])
    t.match(await failureOf(walk({ offset: 6 })), { code: 'OTX_EMPTY_PAGE' })
  },
)

t.test('a page behind the last that OTX has no more ends a walk that began there', async (t) => {
  const { walk } = await start(t, {}, { behindLastPage: 'not-found' })
  t.match(await failureOf(walk({ offset: 8 })), { code: 'OTX_NO_SUCH_PAGE', retryable: false })
})

t.test('a count that is wrong does not cut a walk short', async (t) => {
  for (const count of [0, 1, 2, 4, 99, -1, 1.5, '5', {}, null, 2 ** 53]) {
    const { walk, standin } = await start(t)
    standin.misbehaveWhile(() => true, { kind: 'wrong-count', count })
    t.strictSame(idsOf(await walk()), everyId, String(count))
  }
})

t.test('a walk that would never end is ended', async (t) => {
  const endless = await startMadeUp(t, ({ page, next }) => {
    next.searchParams.set('session', `s${page}`)
    return { results: [{ id: 'a' }, { id: 'b' }], count: 5, next: next.href }
  })
  t.match(await failureOf(endless.walk()), {
    code: 'OTX_ENDLESS_WALK',
    message: 'a list of OTX goes on behind its 5 records',
    retryable: false,
  })
  t.equal(endless.requests.length, (2 * 5 + 32 * 2) / 2)
  // Without a count nothing but the sheer number can tell.
  const { walk } = await start(t)
  t.match(await failureOf(walk({ offset: 2 ** 22 })), {
    code: 'OTX_ENDLESS_WALK',
    message: 'a list of OTX does not end',
  })

  let count = 1_000_000
  const shrinking = await startMadeUp(t, ({ limit, next }) => {
    count -= 2
    return { results: Array.from({ length: limit }, () => ({})), count, next: next.href }
  })
  t.match(await failureOf(shrinking.walk()), {
    code: 'OTX_ENDLESS_WALK',
    message: 'a list of OTX shrinks again and again',
  })
})

t.test('a next that leads nowhere is an error', async (t) => {
  const { walk, standin, url } = await start(t, { retries: 0 })
  const self = `${url}/api/v1/pulses/subscribed`
  const refused: [next: unknown, code: string][] = [
    ['http://[', 'OTX_BAD_NEXT'],
    [`${self}?page=two`, 'OTX_BAD_NEXT'],
    [`${self}?page=-1`, 'OTX_BAD_NEXT'],
    [`${self}?page=1e9`, 'OTX_BAD_NEXT'],
    [`${self}?page=2&limit=0`, 'OTX_BAD_NEXT'],
    [`${self}?page=2&x=${'x'.repeat(9_000)}`, 'OTX_BAD_NEXT'],
    [`${self}?cursor=abc`, 'OTX_REPEATED_PAGE'],
    [`${self}?page=1&nonce=7`, 'OTX_REPEATED_PAGE'],
    [`${url}/api/v1/pulses/activity?page=2`, 'OTX_FOREIGN_NEXT'],
    [`${url.replace('http:', 'https:')}/api/v1/pulses/subscribed?page=2`, 'OTX_FOREIGN_NEXT'],
    ['//elsewhere.test/api/v1/pulses/subscribed?page=2', 'OTX_FOREIGN_NEXT'],
    ['javascript:alert(1)', 'OTX_FOREIGN_NEXT'],
    [7, 'OTX_NOT_A_PAGE'],
  ]
  for (const [next, code] of refused) {
    standin.misbehave({ kind: 'next', next })
    t.match(await failureOf(walk()), { code, retryable: true }, String(next).slice(0, 60))
  }
  standin.misbehave({ kind: 'next', next: '/api/v1/pulses/subscribed?page=2&limit=2#top' })
  t.strictSame(idsOf(await walk()), everyId)
})

t.test('a page with more records than were asked for is none', async (t) => {
  const { walk, standin } = await start(t, { retries: 0 })
  standin.misbehave({ kind: 'other-json', json: { results: [1, 2, 3] } })
  t.match(await failureOf(walk()), { code: 'OTX_NOT_A_PAGE', retryable: true })
})

t.test('an offset is a whole number', async (t) => {
  const { client } = await start(t)
  for (const offset of [-1, 0.5, Number.NaN, 2 ** 53]) {
    t.throws(() => client.subscribedPages({ offset }), RangeError)
  }
})

t.test('a walk skips no pulse because another was deleted behind it', async (t) => {
  for (const behindLastPage of ['empty', 'not-found'] as const) {
    for (const deleted of [1, 2, 3, 4]) {
      const settings = { pulses: manyPulses(6), behindLastPage }
      const { walk, standin } = await start(t, {}, settings)
      standin.onRequest(3, () => {
        for (let n = 0; n < deleted; n++) standin.remove(`r${n}`)
      })
      const met = new Set(idsOf(await walk()))
      for (const id of names(deleted, 6))
        t.ok(met.has(id), `${id} of ${deleted}, ${behindLastPage}`)
    }
  }
})

t.test(
  'a pulse that is revised or added during a walk shifts the rest, and none is lost',
  async (t) => {
    const { walk, standin } = await start(t, {}, { pulses: manyPulses(6) })
    standin.onRequest(2, () => standin.revise('r5', {}))
    standin.onRequest(3, () => standin.add({ id: 'new', modified: minutesAgo(-9) }))
    const ids = idsOf(await walk())
    t.strictSame([...new Set(ids)], names(0, 5))
    t.ok(ids.length > 5)
  },
)

t.test(
  'whatever gateways do, a walk brings the records of a calm one, and so does a part of it',
  async (t) => {
    const most = 60
    const { standin, url } = await start(t, {}, { pulses: manyPulses(most) })
    const faults = fc.array(
      fc.constantFrom<OtxFault>(
        { kind: 'none' },
        { kind: 'none' },
        { kind: 'html-error', status: 502 },
        { kind: 'html-error', status: 503 },
        gatewayError,
        { kind: 'truncated-json' },
        { kind: 'too-many-requests' },
        { kind: 'empty-page' },
        { kind: 'repeated-page' },
      ),
      { maxLength: 25 },
    )
    const { client } = aClient(t, url, { retries: 40 })
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: most }),
      fc.integer({ min: 0, max: 6 }),
      fc.nat({ max: most }),
      faults,
      fc.nat({ max: 40 }),
      async (length, exponent, offset, broken, breakAt) => {
        const options = {
          modifiedSince: new Date(`${minutesAgo(length - 1)}Z`),
          pageSize: 2 ** exponent,
        }
        standin.behave()
        standin.misbehave(...broken)
        const pages = await allOf(client.subscribedPages({ ...options, offset }))
        const ids = idsOf(pages)
        if (ids.join() !== names(offset, length).join()) return false
        let passed = offset
        for (const page of pages) {
          if (page.offset !== passed || page.count !== length) return false
          if (page.results.length > page.pageSize || page.offset % page.pageSize !== 0) return false
          passed += page.results.length
          const next = page === pages.at(-1) ? undefined : passed
          if (page.nextOffset !== next) return false
        }
        // Where it was broken, it goes on by what the last page says of itself.
        const last = pages[Math.min(breakAt, pages.length - 1)]
        if (last?.nextOffset === undefined) return true
        const { nextOffset, pageSize } = last
        standin.misbehave(...broken.toReversed())
        const rest = await allOf(
          client.subscribedPages({ ...options, offset: nextOffset, pageSize }),
        )
        return idsOf(rest).join() === names(nextOffset, length).join()
      },
    )
    await fc.assert(property, { numRuns: 60 })
    t.pass()
  },
)

t.test(
  'whatever is deleted, added and revised during a walk, it meets every pulse that stood still',
  async (t) => {
    const changes = fc.array(
      fc.record({
        gap: fc.integer({ min: 1, max: 3 }),
        kind: fc.constantFrom('remove', 'remove', 'add', 'revise'),
        which: fc.nat({ max: 39 }),
      }),
      { maxLength: 12 },
    )
    const property = fc.asyncProperty(
      changes,
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom('empty' as const, 'not-found' as const),
      async (steps, exponent, behindLastPage) => {
        const standin = buildOtxStandin({ pulses: manyPulses(40), apiKey, behindLastPage })
        const url = await standin.app.listen({ port: 0, host: '127.0.0.1' })
        const still = new Set(names(0, 40))
        let at = 1
        for (const [n, { gap, kind, which }] of steps.entries()) {
          at += gap
          standin.onRequest(at, () => {
            if (kind === 'add') return standin.add({ id: `new${n}`, modified: minutesAgo(-n - 1) })
            if (!still.delete(`r${which}`)) return
            if (kind === 'remove') standin.remove(`r${which}`)
            else standin.revise(`r${which}`, {})
          })
        }
        const { client, walk } = aClient(t, url, { pageSize: 2 ** exponent })
        try {
          const met = new Set(idsOf(await walk()))
          return [...still].every((id) => met.has(id))
        } finally {
          await client.close()
          await standin.app.close()
        }
      },
    )
    await fc.assert(property, { numRuns: 60 })
    t.pass()
  },
)
