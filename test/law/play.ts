import { applyCollections } from '../../src/intake/apply-collections.ts'
import type { Intake } from '../../src/intake/intake.ts'
import { createReadJudging } from '../../src/intake/judging.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import { saveHighWaterMark } from '../../src/store/blocks.ts'
import { purge } from '../../src/store/purge.ts'
import type { Feed } from '../../src/taxii/feed.ts'
import { createStoredFeed } from '../../src/taxii/stored-feed.ts'
import { findFaults } from '../helpers/sound-feed.ts'
import { moveClock, type Query, readClock, readFacts, startMicros } from './database.ts'
import { type Harness, pollerNames } from './harness.ts'
import { createModel, LawBroken } from './model.ts'
import { type Client, createClient, pollOnce, type Service, service } from './pollers.ts'
import type { ClockStep, Program } from './program.ts'
import { createRandom } from './random.ts'
import { createScheduler, Killed, type Statement, type Turn } from './scheduler.ts'
import { createServed } from './served.ts'
import {
  recallStep,
  settingsStep,
  sourceName,
  sweepStep,
  takeInStep,
  type WriterStep,
} from './writers.ts'

const resultSetSeconds = 3_600
const day = 86_400_000_000

/** What a test puts in the place of the law's own parts, to see that it is missed. */
export interface Changes {
  readonly service?: Service
  readonly changeFeed?: (feed: Feed) => Feed
}

export interface Played {
  readonly steps: number
  readonly kills: number
  readonly waits: number
  readonly commits: number
  readonly published: number
  readonly polls: number
  readonly blocks: number
  readonly parts: number
  readonly replays: number
  readonly peeks: number
  readonly moved: number
  readonly clamped: number
  /** each step of the interleaving */
  readonly trace: readonly string[]
}

/**
 * Plays a schedule and holds everything that comes of it to the law.
 * @throws LawBroken or what an actor threw, with the interleaving up to there
 */
export async function play(
  harness: Harness,
  program: Program,
  changes: Changes = {},
): Promise<Played> {
  const served = createServed()
  const current = new Map<string, WriterStep | undefined>()
  /** what each writer last took the time to be */
  const judgedAt = new Map<string, Date>()
  let passed = 0
  let set = 0

  await harness.reset(program.tick)
  const accounts = new Map(
    (await harness.query('select id, name from accounts')).map((row) => {
      const { id, name } = row as { id: number; name: string }
      return [name, { id, name, role: 'administrator' as const }]
    }),
  )
  const purges = program.clock.some((step) => 'purge' in step)
  const scheduler = createScheduler({
    random: createRandom(program.seed),
    burst: program.burst,
    commitWeight: program.commitWeight,
    kills: harness.interleaves ? program.kills : [],
    backends: harness.backends,
    afterStatement,
  })

  const model = createModel(served, scheduler.remark)

  async function afterStatement(actor: string, { text, query }: Statement) {
    if (text !== 'commit') return
    const step = current.get(actor)
    current.delete(actor)
    const told = await step?.committed(query, judgedAt.get(actor) ?? new Date(0))
    if (told === 'not yet') current.set(actor, step)
    model.committed(await readFacts(query, model.publications))
  }

  /** Statements that wait for nobody's turn. */
  const atOnce = (actor: string): Turn['statement'] => {
    return async (statement, run) => {
      const result = await run()
      await afterStatement(actor, statement)
      return result
    }
  }

  // The database reads its clock about as often.
  const elapsed = () => Math.floor((scheduler.counts.steps * program.tick) / 6)
  const trueNow = () => startMicros + passed + elapsed()

  async function pass(micros: number, query: Query = harness.query) {
    passed += micros
    await moveClock(query, micros)
  }

  async function openIntake(actor: string, turn: Turn['statement']): Promise<Intake> {
    const store = await harness.storeOf(actor)
    store.turn = turn
    return {
      db: store.db,
      producer: { name: 'Taxiway', idNamespace: defaultIdNamespace },
      readJudging: createReadJudging(),
      clock: () => {
        const now = new Date((trueNow() + set) / 1000)
        judgedAt.set(actor, now)
        return now
      },
    }
  }

  async function openFeed(actor: string, turn: Turn['statement']): Promise<Feed> {
    const store = await harness.storeOf(actor)
    store.turn = turn
    const feed = createStoredFeed(store.db, resultSetSeconds)
    return changes.changeFeed?.(feed) ?? feed
  }

  const turnOf = (actor: string, turn: Turn) =>
    harness.interleaves ? turn.statement : atOnce(actor)

  function addWriter(name: string, weight: number, steps: readonly WriterStep[]) {
    if (steps.length === 0) return
    scheduler.add({ name, weight, mortal: true }, async (turn) => {
      let intake = await openIntake(name, turnOf(name, turn))
      for (const step of steps) {
        await untilDone(
          name,
          async () => {
            await turn.point(step.what)
            current.set(name, step)
            await step.run(intake)
            current.delete(name)
          },
          async () => {
            current.delete(name)
            intake = await openIntake(name, turnOf(name, turn))
          },
        )
      }
    })
  }

  /** Does something again and again until no kill has met it. */
  async function untilDone(
    actor: string,
    work: () => Promise<void>,
    restart: () => Promise<void>,
  ): Promise<void> {
    for (;;) {
      try {
        await work()
        return
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        await harness.drop(actor)
        await restart()
      }
    }
  }

  function addPoller(client: Client) {
    const { name, plan } = client
    scheduler.add({ name, weight: plan.slow ? 0.15 : 1, mortal: true }, async (turn) => {
      let feed = await openFeed(name, turnOf(name, turn))
      for (const exchange of plan.polls) {
        await untilDone(
          name,
          async () => {
            await turn.point('polls')
            await pollTolerantly(client, feed, turn.point, exchange)
          },
          async () => {
            feed = await openFeed(name, turnOf(name, turn))
          },
        )
      }
    })
  }

  async function pollTolerantly(
    client: Client,
    feed: Feed,
    pause: (what: string) => Promise<void>,
    exchange?: Parameters<typeof pollOnce>[1],
  ) {
    const now = () => trueNow() + client.plan.clockOffset
    try {
      await pollOnce(
        {
          client,
          feed,
          service: changes.service ?? service,
          now,
          readClock: () => readClock(harness.query),
          pause,
        },
        exchange,
      )
    } catch (error) {
      // So slow that the purge took its blocks away: broken off, and asked for again.
      if (!purges || !/ is gone$/.test((error as Error).message)) throw error
    }
  }

  function addClock(steps: readonly ClockStep[]) {
    if (steps.length === 0) return
    scheduler.add({ name: 'clock', weight: 0.15, mortal: false }, async (turn) => {
      const { db } = await openIntake('clock', turnOf('clock', turn))
      for (const step of steps) {
        await turn.point(JSON.stringify(step))
        if ('pass' in step) await pass(step.pass)
        else if ('set' in step) {
          set += step.set
          await moveClock(harness.query, step.set)
        } else if ('save' in step) await saveHighWaterMark(db)
        else await purge(db, { resultSetSeconds })
      }
    })
  }

  const clients = program.pollers.map((plan, index) => {
    const name = pollerNames[index] as string
    const account = accounts.get(name)
    if (!account) throw new Error(`${name} has no account`)
    return createClient(name, plan, account, model, served)
  })

  /** After all: what is live has come to everybody, before and after what time asks for is done. */
  async function close() {
    const intake = await openIntake('closing', atOnce('closing'))
    await pass(2 * day + 7_200_000_000)
    await pollAll()
    served.reconciled()
    await reconcileCollections(intake)
    const last = sweepStep(served)
    current.set('closing', last)
    await last.run(intake)
    model.assertComplete()
    await pass(2 * day + 7_200_000_000)
    await pollAll()
    const faults = await findFaults(intake.db, { purged: purges })
    if (Object.keys(faults).length > 0) throw new LawBroken(JSON.stringify(faults))
  }

  async function pollAll() {
    for (const client of clients) {
      const feed = await openFeed(client.name, atOnce(client.name))
      await pass(1_000_000)
      if (client.pending) await pollTolerantly(client, feed, async () => {})
      await pollTolerantly(client, feed, async () => {})
      client.journal.assertHasAll()
    }
  }

  try {
    const intake = await openIntake('opening', atOnce('opening'))
    served.apply(program.collections)
    await applyCollections(intake.db, program.collections)
    await reconcileCollections(intake)
    program.sources.forEach((reports, index) => {
      const steps = reports.map((one) => takeInStep(index, one, served))
      addWriter(sourceName(index), 1, steps)
    })
    addWriter(
      'operator',
      0.5,
      program.settings.map((one) => settingsStep(one, served)),
    )
    addWriter(
      'recaller',
      0.5,
      program.recalls.map((one) => recallStep(one, served)),
    )
    addWriter(
      'sweeper',
      0.5,
      Array.from({ length: program.sweeps }, () => sweepStep(served)),
    )
    addClock(program.clock)
    for (const client of clients) addPoller(client)
    await scheduler.run()
    await close()
  } catch (error) {
    await harness.dropAll()
    const interleaving = scheduler.trace.join('\n')
    const { message } = error as Error
    throw new LawBroken(`${message}\n--- the interleaving up to there:\n${interleaving}\n---`, {
      cause: error,
    })
  }
  const sum = (name: keyof Client['journal']['counts']) =>
    clients.reduce((total, { journal }) => total + journal.counts[name], 0)
  return {
    ...scheduler.counts,
    commits: model.now(),
    published: model.blocks.length,
    polls: sum('polls'),
    blocks: sum('blocks'),
    parts: sum('parts'),
    replays: sum('replays'),
    peeks: sum('peeks'),
    moved: sum('moved'),
    clamped: sum('clamped'),
    trace: scheduler.trace,
  }
}
