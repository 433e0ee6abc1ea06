import t from 'tap'
import { everyId, failureOf, idsOf, start, startMadeUp } from './clients.ts'

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
