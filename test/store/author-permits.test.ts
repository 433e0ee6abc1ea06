import t from 'tap'
import type { Collection, Rule } from '../../src/model/collection.ts'
import { tlpLevels } from '../../src/model/tlp.ts'
import { createAuthorPermits } from '../../src/store/author-permits.ts'
import { readIndicatorIds } from '../../src/store/indicator-walks.ts'
import { readPermits } from '../../src/store/views.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake, reportOn, start } from '../intake/reports.ts'

const rules: readonly Rule[] = [
  { author: 'ann' },
  { author: ['ann', 'bob', 'ann'] },
  { author: '' },
  { author: 'nobody' },
  { all: [{ source: 'otx' }, { author: 'ann' }] },
  { all: [{ author: ['bob', ''] }, { source: ['otx', 'inbox'] }] },
  { all: [{ source: 'inbox' }, { author: 'bob' }] },
]
const elsewhere: readonly Rule[] = [
  { source: 'otx' },
  { all: [] },
  { all: [{ author: 'ann' }] },
  { all: [{ author: 'ann' }, { author: 'bob' }] },
  { all: [{ source: 'otx' }, { author: 'ann' }, { type: 'domain' }] },
  { not: { author: 'ann' } },
  { any: [{ author: 'ann' }] },
]

let made = 0
const collection = (rule: Rule, change: Partial<Collection> = {}): Collection => {
  made += 1
  return { ...aCollection({ name: `c${made}`, rule }), id: made, ...change }
}

t.test(
  'collections that ask for authors, and at most a source, are found by the author',
  async (t) => {
    const { others, authors } = createAuthorPermits([
      ...rules.map((rule) => collection(rule)),
      ...elsewhere.map((rule) => collection(rule)),
    ])
    t.strictSame(
      others,
      elsewhere.map((_, index) => rules.length + index),
    )
    t.strictSame([...authors].sort(), ['', 'ann', 'bob', 'nobody'])
  },
)

forEachStore(t, async (t, { db }) => {
  const intake = createTestIntake(t, db)
  const reports = ['ann', 'bob', ''].flatMap((author) =>
    tlpLevels.flatMap((tlp) =>
      [true, false].map((isPublic) => ({ author, tlp, public: isPublic })),
    ),
  )
  for (const source of ['otx', 'inbox']) {
    await intake.take(
      reports.map((report, index) =>
        reportOn(['shared.com', `${source}-${index}.com`], { ...report, externalId: `${index}` }),
      ),
      { source },
    )
  }
  const ids = await readIndicatorIds(db, 0, 1_000)
  const kinds = rules.flatMap((rule) =>
    (['white', 'green', 'red'] as const).flatMap((maxTlp) =>
      [true, false].map((nonPublic) => ({ rule, maxTlp, nonPublic })),
    ),
  )
  const byAuthor = kinds.map(({ rule, ...rest }) => collection(rule, rest))
  // Says the same, in a way that only the database understands.
  const bySql = kinds.map(({ rule, ...rest }) => collection({ any: [rule] }, rest))

  const show = async (collections: readonly Collection[]) =>
    (await readPermits(db, ids, collections, start)).map(({ value, permitted }) => ({
      value,
      permitted: permitted.map((one) => ({
        report: `${one.assertion.source} ${one.assertion.reportId}`,
        collections: one.collections,
      })),
    }))

  await t.test('what they may show is what their rule says', async (t) => {
    const shown = await show(byAuthor)
    t.strictSame(shown, await show(bySql))
    t.not(shown.length, 0)
    t.ok((await show(byAuthor.slice(0, 1))).length < shown.length)
    for (const [index, one] of byAuthor.entries()) {
      t.strictSame(
        (await show([one])).map(({ value }) => value),
        (await show([bySql[index] as Collection])).map(({ value }) => value),
      )
    }
  })

  await t.test('beside others, each is in its place', async (t) => {
    const mixed = byAuthor.flatMap((one, index) => [one, bySql[index] as Collection])
    for (const { permitted } of await show(mixed)) {
      for (const { collections } of permitted) {
        t.strictSame(
          collections,
          [...collections].sort((a, b) => a - b),
        )
        const even = collections.filter((place) => place % 2 === 0)
        t.strictSame(
          collections.filter((place) => place % 2 === 1),
          even.map((place) => place + 1),
        )
      }
    }
  })
})
