import fc from 'fast-check'
import t from 'tap'
import type { Db } from '../../src/store/db.ts'
import { findHolders, type HeldSubject } from '../../src/store/holders.ts'
import { forEachStore } from '../helpers/stores.ts'
import { createModel, type Ending, type Model } from './holders-model.ts'

const hourMs = 3_600_000

const anyIndicator = fc.integer({ min: 1, max: 12 })
const someIndicators = fc.uniqueArray(anyIndicator, { minLength: 1, maxLength: 8 })
const anyEnding: fc.Arbitrary<Ending> = fc.record({
  status: fc.constantFrom('complete', 'complete', 'broken off', 'under way'),
  sent: fc.nat({ max: 6 }),
  startedAgoMs: fc.integer({ min: 2 * hourMs, max: 60 * 24 * hourMs }),
  durationMs: fc.integer({ min: 0, max: hourMs }),
})
/** A label that was given, moved by as many microseconds; or later than all. */
const anyEdge = fc.option(fc.record({ at: fc.nat(), by: fc.integer({ min: -1, max: 1 }) }), {
  nil: undefined,
  freq: 1,
})
const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('publish' as const), fc.nat(), someIndicators) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant('publishChunks' as const), fc.nat(), someIndicators),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('withdraw' as const), fc.nat(), someIndicators) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('recall' as const), someIndicators) },
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant('poll' as const),
      fc.nat(),
      fc.nat(),
      anyEdge,
      anyEdge,
      fc.constantFrom('counts', 'all', 'all', 'all', 'parts'),
      anyEnding,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('part' as const),
      fc.nat(),
      fc.constantFrom(1 as const, 2 as const),
      anyEnding,
    ),
  },
)
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never

async function take(model: Model, step: Step): Promise<void> {
  const edge = (one: { at: number; by: number } | undefined) => {
    const labels = model.labels()
    return one && labels.length > 0
      ? (labels[one.at % labels.length] as number) + one.by
      : undefined
  }
  switch (step[0]) {
    case 'publish':
    case 'publishChunks':
    case 'withdraw':
      return model[step[0]](step[1], step[2])
    case 'recall':
      return model.recall(step[1])
    case 'part':
      return model.fetchPart(step[1], step[2], step[3])
    case 'poll': {
      const [begin, end] = [edge(step[3]), edge(step[4])]
      const asked = {
        ...(begin === undefined ? {} : { begin }),
        ...(end === undefined ? {} : { end }),
      }
      return model.poll(step[1], step[2], asked, step[5], step[6])
    }
  }
}

/** Holds what the store tells to what the model does, whose "now" lies between the call and its return. */
async function check(
  db: Db,
  model: Model,
  subject: HeldSubject,
  isMeant: Parameters<Model['holders']>[0],
  isExact: boolean,
): Promise<number> {
  const before = Date.now() - 1
  const told = await findHolders(db, subject)
  const [least, most] = [model.holders(isMeant, before), model.holders(isMeant, Date.now() + 1)]
  const untils = new Map(told.map((one) => [one.account, one.mayHoldUntil.getTime()]))
  for (const account of new Set([...untils.keys(), ...most.keys()])) {
    const until = untils.get(account) ?? 0
    const [from, to] = [least.get(account) ?? 0, most.get(account) ?? 0]
    if (until < from || (isExact && until > to)) {
      throw new Error(`${JSON.stringify(subject)}, ${account}: ${until}, not from ${from} to ${to}`)
    }
  }
  return told.length
}

t.test('it is told exactly until when who may hold what', async (t) => {
  await forEachStore(t, async (t, { db, kind }) => {
    let held = 0
    let exact = 0
    const property = fc.asyncProperty(
      fc.array(anyStep, { minLength: 12, maxLength: 40, size: 'max' }),
      fc.array(someIndicators, { minLength: 3, maxLength: 3 }),
      async (steps, questions) => {
        const model = await createModel(db, [1, 30, 365])
        for (const step of steps) await take(model, step)
        const often = model.withdrawnOften
        for (let id = 1; id <= 12; id += 1) questions.push([id])
        for (const indicatorIds of questions) {
          const isMeant = ({ shows }: { shows: readonly number[] }) =>
            shows.some((one) => indicatorIds.includes(one))
          const isExact = !indicatorIds.some((id) => often.has(id))
          const found = await check(db, model, { indicatorIds }, isMeant, isExact)
          held += found
          if (isExact) exact += found
        }
        for (const { id: recallId, blocks } of model.recalls) {
          const isExact = ![...blocks].some(({ shows }) => shows.some((one) => often.has(one)))
          await check(db, model, { recallId }, (block) => blocks.has(block), isExact)
        }
      },
    )
    await fc.assert(property, {
      seed: 7,
      endOnFailure: true,
      numRuns: kind === 'postgresql' ? 60 : 8,
    })
    t.ok(
      exact > (kind === 'postgresql' ? 300 : 30),
      `${exact} of ${held} that were found to hold something, exactly`,
    )
  })
})
