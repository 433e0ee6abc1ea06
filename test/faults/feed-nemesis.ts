import type pg from 'pg'
import { afterPolls } from './feed-actors.ts'
import type { Server, Victim, Writer } from './feed-fleet.ts'
import type { Progress } from './feed-progress.ts'
import type { Random } from './feed-random.ts'

export interface Prey {
  readonly servers: readonly Server[]
  readonly publishers: readonly Writer[]
  readonly recaller: Writer
  readonly sweeper: Writer
}

export interface NemesisOptions {
  readonly prey: Prey
  readonly progress: Progress
  readonly random: Random
  readonly database: pg.Client
  /** also freezes writers for longer than the database lets them keep their locks */
  readonly patient: boolean
  /** Rejects when the server does not answer at once. */
  readonly checkAnswers: (server: Server) => Promise<void>
}

// How often each comes in a round.
const acts = {
  killServer: 2,
  killPublisher: 3,
  killRecaller: 2,
  killSweeper: 1,
  freezeServer: 2,
  freezeWriter: 3,
  endBackends: 5,
  restartEverything: 1,
  outlastWriter: 1,
} as const

type Act = keyof typeof acts

/** Kills, freezes and cuts off in an order that the seed gives. One round has each act as often as `acts` says. */
export async function attack(options: NemesisOptions): Promise<void> {
  const { progress, random, patient } = options
  const round = (Object.keys(acts) as Act[])
    .filter((act) => patient || act !== 'outlastWriter')
    .flatMap((act) => Array<Act>(acts[act]).fill(act))
  while (round.length > 0 && progress.faults.length === 0) {
    const [act] = round.splice(random.below(round.length), 1)
    await afterPolls(progress, 8 + random.below(20))
    if (act) await does[act](options)
  }
}

const does: Readonly<Record<Act, (options: NemesisOptions) => Promise<void>>> = {
  async killServer({ prey, progress, random, checkAnswers }) {
    const server = random.pick(prey.servers)
    await server.kill()
    progress.add('kills of servers')
    await afterPolls(progress, random.below(15))
    await server.start()
    await checkAnswers(server)
  },
  async killPublisher({ prey, progress, random }) {
    await killAtWork(random.pick(prey.publishers), progress, random)
    progress.add('kills of publishers')
  },
  async killRecaller({ prey, progress, random }) {
    await killAtWork(prey.recaller, progress, random)
    progress.add('kills of the recaller')
  },
  async killSweeper({ prey, progress, random }) {
    await killAtWork(prey.sweeper, progress, random)
    progress.add('kills of the sweeper')
  },
  async freezeServer({ prey, progress, random }) {
    await freezeAwhile(random.pick(prey.servers), progress, 10 + random.below(15))
    progress.add('stops of servers')
  },
  async freezeWriter({ prey, progress, random }) {
    const writer = random.pick([...prey.publishers, prey.recaller, prey.sweeper])
    await atWork(writer, progress, random)
    await freezeAwhile(writer, progress, 10 + random.below(20))
    progress.add('stops of writers')
  },
  async outlastWriter({ prey, progress, random }) {
    const writer = random.pick(prey.publishers)
    await atWork(writer, progress, random)
    writer.freeze()
    // The others write on, at once or when the database has taken its locks from it.
    const taken = progress.counts.takes + 3
    await progress.until(() => progress.counts.takes >= taken, 40_000)
    if (progress.counts.takes < taken) progress.fail(`${writer.name}, frozen, holds up all others`)
    writer.thaw()
    progress.add('outlasted writers')
  },
  async endBackends({ progress, random, database }) {
    const { rows } = await database.query(
      `select count(pg_terminate_backend(pid)) as ended from (
        select pid from pg_stat_activity
        where datname = current_database() and application_name = 'taxiway'
        order by state = 'active' and $1::boolean desc, md5(pid::text || $2) limit $3) as chosen`,
      [random.chance(0.6), random.below(2 ** 31), 1 + random.below(3)],
    )
    progress.add('terminated backends', Number(rows[0].ended))
  },
  async restartEverything({ prey, progress, checkAnswers }) {
    const { servers, publishers, recaller, sweeper } = prey
    const all: readonly Victim[] = [...servers, ...publishers, recaller, sweeper]
    await Promise.all(all.map((one) => one.kill()))
    await Promise.all(servers.map((server) => server.start()))
    for (const server of servers) await checkAnswers(server)
    progress.add('restarts of everything')
  },
}

async function atWork(writer: Writer, progress: Progress, random: Random): Promise<void> {
  await progress.until(() => writer.busy, 2_000)
  await afterPolls(progress, random.below(4), 200)
}

async function killAtWork(writer: Writer, progress: Progress, random: Random): Promise<void> {
  await atWork(writer, progress, random)
  await writer.kill()
}

/** Where it holds a lock that polls wait for, they do not get on, and the time ends it. */
async function freezeAwhile(victim: Victim, progress: Progress, polls: number): Promise<void> {
  victim.freeze()
  await afterPolls(progress, polls, 2_000)
  victim.thaw()
}
