import fc from 'fast-check'
import t from 'tap'
import { buildOtxStandin } from '../../../src/standins/otx.ts'
import type { OtxFault } from '../../../src/standins/otx-faults.ts'
import {
  aClient,
  allOf,
  apiKey,
  gatewayError,
  idsOf,
  manyPulses,
  minutesAgo,
  names,
  start,
} from './clients.ts'

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
