import fc from 'fast-check'
import { sql } from 'kysely'
import t from 'tap'
import type { Rule } from '../../src/model/collection.ts'
import { observableTypes } from '../../src/model/observable.ts'
import { tlpLevels, tlpRank } from '../../src/model/tlp.ts'
import type { Db } from '../../src/store/db.ts'
import { ageLimitsInDays, ruleToSql, tagKey } from '../../src/store/rules.ts'
import { forEachStore } from '../helpers/stores.ts'
import { dayAfterStart, start } from '../intake/reports.ts'

/** An assertion as rules see it. */
interface Row {
  readonly source: string
  /** undefined: an assertion without a report */
  readonly report: { readonly author: string; readonly tags: readonly string[] } | undefined
  readonly type: string
  readonly tlp: number
  readonly confidence: number
  /** negative: a moment in the future */
  readonly ageDays: number
}

const sources = ['otx', 'own', 'inbox']
const authors = ['Harbour Watch', 'Quay Lab', '']
const tags = ['loader', 'Loader', 'ÄRGER', 'wiper', '']
const types = observableTypes.slice(0, 4)

const oneOrMore = <T>(values: readonly T[]) =>
  fc.oneof(fc.constantFrom(...values), fc.subarray([...values]))
const days = fc.integer({ min: 0, max: 5 })
const percent = fc.constantFrom(0, 1, 25, 50, 99, 100)
const present = { requiredKeys: [] }

const anyRule = fc.letrec<{ rule: Rule }>((tie) => ({
  rule: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ source: oneOrMore(sources) }),
    fc.record({ author: oneOrMore(authors) }),
    fc.record({ tag: oneOrMore(tags) }),
    fc.record({ type: oneOrMore(types) }),
    fc.record({ tlp: oneOrMore(tlpLevels) }),
    fc.record({ confidence: fc.record({ atLeast: percent, atMost: percent }, present) }),
    fc.record({ age: fc.record({ atLeastDays: days, atMostDays: days }, present) }),
    fc.record({ all: fc.array(tie('rule'), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('rule'), { maxLength: 3 }) }),
    fc.record({ not: tie('rule') }),
  ) as fc.Arbitrary<Rule>,
})).rule

const anyRow: fc.Arbitrary<Row> = fc.record({
  source: fc.constantFrom(...sources),
  report: fc.option(fc.record({ author: fc.constantFrom(...authors), tags: fc.subarray(tags) }), {
    nil: undefined,
    freq: 4,
  }),
  type: fc.constantFrom(...types),
  tlp: fc.integer({ min: 0, max: tlpLevels.length - 1 }),
  confidence: percent,
  ageDays: fc.integer({ min: -1, max: 6 }),
})

const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? value : [value as T]

/** What a rule means, in plain words. */
function permits(rule: Rule, row: Row): boolean {
  if ('all' in rule) return rule.all.every((one) => permits(one, row))
  if ('any' in rule) return rule.any.some((one) => permits(one, row))
  if ('not' in rule) return !permits(rule.not, row)
  if ('source' in rule) return listOf(rule.source).includes(row.source)
  if ('author' in rule) return listOf(rule.author).includes(row.report?.author ?? '')
  if ('tag' in rule) {
    const own = (row.report?.tags ?? []).map((tag) => tag.toLowerCase())
    return listOf(rule.tag).some((tag) => own.includes(tag.toLowerCase()))
  }
  // None of these came by an Inbox_Message; intake/sent-to.test.ts has those that did.
  if ('sentTo' in rule) return false
  if ('type' in rule) return (listOf(rule.type) as readonly string[]).includes(row.type)
  if ('tlp' in rule) return listOf(rule.tlp).some((tlp) => tlpRank(tlp) === row.tlp)
  if ('confidence' in rule) {
    const { atLeast = 0, atMost = 100 } = rule.confidence
    return row.confidence >= atLeast && row.confidence <= atMost
  }
  // So old as whole days: what turns five days old is no more "at most 5 days" and now "at least".
  const { atLeastDays = 0, atMostDays = Number.POSITIVE_INFINITY } = rule.age
  const age = Math.max(0, row.ageDays)
  return age >= atLeastDays && row.ageDays < atMostDays
}

/** Puts rows into a store; the answer of a rule is the places of those that it permits. */
async function store(db: Db, rows: readonly Row[]): Promise<(rule: Rule) => Promise<number[]>> {
  await sql`truncate sources, reports, indicators, assertions restart identity cascade`.execute(db)
  for (const name of sources)
    await db.insertInto('sources').values({ name, cursor: '{}' }).execute()
  for (const type of types) {
    const row = { type, value: type, key: Buffer.from(type) }
    await db.insertInto('indicators').values(row).execute()
  }
  const reports = rows.map(({ report }, index) => ({
    source_id: 1,
    external_id: String(index),
    name: '',
    description: '',
    author: report?.author ?? '',
    tlp: 0,
    public: true,
    revision: '',
    created: start,
    modified: start,
    tags: [...(report?.tags ?? [])],
    tag_keys: (report?.tags ?? []).map(tagKey),
    refs: [],
    details: '{}',
    version: 1,
    digest: null,
  }))
  await db.insertInto('reports').values(reports).execute()
  const assertions = rows.map((row, index) => ({
    indicator_id: types.indexOf(row.type as never) + 1,
    source_id: sources.indexOf(row.source) + 1,
    report_id: row.report ? index + 1 : null,
    report_version: 1,
    external_id: String(index),
    title: '',
    description: '',
    role: '',
    tlp: row.tlp,
    confidence: row.confidence,
    asserted_confidence: row.confidence,
    valid_from: dayAfterStart(-row.ageDays),
    valid_until: null,
    active: true,
    judge_at: null,
    suppressed: false,
  }))
  // Of one source and indicator there is one assertion without a report.
  await db
    .insertInto('assertions')
    .values(assertions)
    .onConflict((one) => one.doNothing())
    .execute()
  return async (rule) => {
    const found = await sql<{ place: string; permitted: boolean }>`
      select a.external_id as place, ${ruleToSql(rule, start)} as permitted
      from assertions a join indicators i on i.id = a.indicator_id
        join sources s on s.id = a.source_id left join reports r on r.id = a.report_id`.execute(db)
    for (const { permitted } of found.rows) {
      if (typeof permitted !== 'boolean') throw new Error(`a rule came to ${permitted}`)
    }
    return found.rows.filter((row) => row.permitted).map(({ place }) => Number(place))
  }
}

/** Which rows are there: of several without a report on one indicator of one source, the first. */
function storedPlaces(rows: readonly Row[]): number[] {
  const keys = new Set<string>()
  return rows.flatMap((row, index) => {
    const key = row.report ? String(index) : `${row.source} ${row.type} none`
    if (keys.has(key)) return []
    keys.add(key)
    return [index]
  })
}

t.test('a rule in SQL permits what it says', async (t) => {
  await forEachStore(t, async (t, { db, kind }) => {
    let permitted = 0
    let refused = 0
    const property = fc.asyncProperty(
      fc.array(anyRow, { minLength: 10, maxLength: 40 }),
      fc.array(anyRule, { minLength: 25, maxLength: 25 }),
      async (rows, rules) => {
        const ask = await store(db, rows)
        const places = storedPlaces(rows)
        for (const rule of rules) {
          const wanted = places.filter((place) => permits(rule, rows[place] as Row))
          const found = (await ask(rule)).sort((a, b) => a - b)
          if (found.join() !== wanted.join()) {
            throw new Error(`${JSON.stringify(rule)} permits ${found}, but should ${wanted}`)
          }
          permitted += wanted.length
          refused += places.length - wanted.length
        }
      },
    )
    await fc.assert(property, { seed: 7, numRuns: kind === 'postgresql' ? 40 : 10 })
    t.ok(permitted > 500 && refused > 500, `${permitted} permitted, ${refused} refused`)
  })
})

t.test('each leaf speaks of its own column', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const plain: Row = {
      source: 'otx',
      report: { author: 'Quay Lab', tags: ['Loader'] },
      type: 'ipv4',
      tlp: 0,
      confidence: 50,
      ageDays: 3,
    }
    const rows: readonly Row[] = [
      plain,
      { ...plain, source: 'own' },
      { ...plain, report: { author: 'Harbour Watch', tags: ['Loader'] } },
      { ...plain, report: { author: 'Quay Lab', tags: [] } },
      { ...plain, type: 'ipv6' },
      { ...plain, tlp: tlpRank('amber') },
      { ...plain, confidence: 10 },
      { ...plain, ageDays: 1 },
      { ...plain, report: undefined },
    ]
    const ask = await store(db, rows)
    const without = (...places: number[]) =>
      rows.map((_, n) => n).filter((n) => !places.includes(n))
    const cases: readonly (readonly [Rule, readonly number[]])[] = [
      [{ all: [] }, without()],
      [{ any: [] }, []],
      [{ source: 'otx' }, without(1)],
      [{ source: ['own', 'no such'] }, [1]],
      [{ author: 'Quay Lab' }, without(2, 8)],
      [{ not: { author: 'Quay Lab' } }, [2, 8]],
      [{ tag: 'LOADER' }, without(3, 8)],
      [{ not: { tag: 'loader' } }, [3, 8]],
      [{ type: ['ipv6', 'url'] }, [4]],
      [{ tlp: ['amber', 'red'] }, [5]],
      [{ tlp: 'white' }, without(5)],
      [{ confidence: { atMost: 10 } }, [6]],
      [{ confidence: { atLeast: 50, atMost: 50 } }, without(6)],
      [{ age: { atMostDays: 2 } }, [7]],
      [{ age: { atLeastDays: 3 } }, without(7)],
      [{ age: { atMostDays: 3 } }, [7]],
      [
        { all: [{ source: 'otx' }, { not: { any: [{ tlp: 'amber' }, { type: 'ipv6' }] } }] },
        without(1, 4, 5),
      ],
    ]
    for (const [rule, wanted] of cases) t.same(await ask(rule), wanted, JSON.stringify(rule))
  })
})

t.test('a name in a rule is text, whatever it holds', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const author = `O'Hara", {x}\\ $1 --`
    const row: Row = {
      source: 'otx',
      report: { author, tags: ['a,b', '{c}'] },
      type: 'ipv4',
      tlp: 0,
      confidence: 0,
      ageDays: 0,
    }
    const ask = await store(db, [row])
    t.same(await ask({ author }), [0])
    t.same(await ask({ author: [author, 'x'] }), [0])
    t.same(await ask({ tag: 'A,B' }), [0])
    t.same(await ask({ tag: ['{C}'] }), [0])
    t.same(await ask({ tag: 'a' }), [])
  })
})

t.test('the days that a rule speaks of are found wherever they stand', async (t) => {
  const young: Rule = { age: { atMostDays: 30 } }
  const old: Rule = { age: { atLeastDays: 0, atMostDays: 7 } }
  t.same(ageLimitsInDays({ tag: 'loader' }), [])
  t.same(ageLimitsInDays(young), [30])
  t.same(ageLimitsInDays({ any: [{ not: { all: [old] } }, young, { age: {} }] }), [0, 7, 30])
})
