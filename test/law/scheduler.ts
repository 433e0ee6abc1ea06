import type { Query } from './database.ts'
import type { Random } from './random.ts'

/** What an actor learns when the process that it plays is killed: all that it had in memory is lost. */
export class Killed extends Error {}

/** Ends the actors of a schedule that has failed. */
class Abandoned extends Error {}

/** How an actor waits for its turn. */
export interface Turn {
  /** Waits until the scheduler lets the actor go on. */
  point(what: string): Promise<void>
  /** Waits for its turn, then runs the statement on the actor's connection. */
  statement<T>(statement: Statement, run: () => Promise<T>): Promise<T>
}

export interface Statement {
  readonly text: string
  /** the backend that runs it */
  readonly pid: number
  /** it may end a transaction, and so let others go on that wait for a lock */
  readonly frees: boolean
  /** Runs another text on its connection. */
  readonly query: Query
}

/** What the scheduler asks of the database. */
export interface Backends {
  /** @returns those of these backends that wait for nobody's lock */
  findRunning(pids: readonly number[]): Promise<readonly number[]>
  /** Ends a backend as its client's death does: what it has not committed is undone. */
  terminate(pid: number): Promise<void>
}

/** The process that plays the n-th step of a schedule dies, or one that waits for a lock just then. */
export interface Kill {
  readonly step: number
  /** before the statement reaches the database, after it has ended, or while it waits for a lock */
  readonly moment: 'before' | 'after' | 'blocked'
}

export interface SchedulerOptions {
  readonly random: Random
  /** how probable it is that the actor of the last step plays the next one too */
  readonly burst: number
  /** the weight of an actor that is about to commit: others come between its last statement and the commit */
  readonly commitWeight: number
  readonly kills: readonly Kill[]
  readonly backends: Backends
  /** told after each statement, before its actor or anybody else goes on */
  readonly afterStatement: (actor: string, statement: Statement) => Promise<void>
}

interface Point {
  readonly what: string
  readonly statement: Statement | undefined
  readonly run: (() => Promise<unknown>) | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Flight {
  readonly point: Point
  readonly statement: Statement
  /** whose it is; undefined: of a process that was killed while it waited for a lock */
  task: Task | undefined
  ended: { readonly value: unknown } | { readonly error: unknown } | undefined
}

interface Task {
  readonly name: string
  readonly weight: number
  readonly mortal: boolean
  point: Point | undefined
  flight: Flight | undefined
  over: boolean
}

/**
 * Plays actors against each other one statement at a time, in an order that the random numbers alone decide:
 * whoever waits for a lock is seen to wait, and goes on once its holder has let go.
 */
export function createScheduler(options: SchedulerOptions) {
  const { random, burst, backends } = options
  const tasks: Task[] = []
  const lives: Promise<void>[] = []
  const flights = new Set<Flight>()
  const trace: string[] = []
  const bell = createBell()
  const counts = { steps: 0, kills: 0, waits: 0 }
  let thinking = 0
  let failure: { readonly error: unknown } | undefined
  let last: Task | undefined

  function fail(error: unknown) {
    failure ??= { error }
  }

  async function quiet() {
    while (thinking > 0) await bell.next()
    if (failure) throw failure.error
  }

  function park(task: Task, point: Omit<Point, 'resolve' | 'reject'>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (task.point || task.flight) throw new Error(`${task.name} does two things at once`)
      task.point = { ...point, resolve, reject }
      thinking -= 1
      bell.ring()
    })
  }

  /** Lets the actor go on, and waits until all have come to their next points. */
  async function resume(task: Task, go: () => void) {
    task.point = undefined
    task.flight = undefined
    thinking += 1
    go()
    await quiet()
  }

  function note(task: Task, text: string) {
    trace.push(`${counts.steps} ${task.name}: ${text}`)
  }

  async function kill(task: Task, pid: number | undefined, point: Point, moment: string) {
    counts.kills += 1
    note(task, `KILLED ${moment} ${shorten(point.what)}`)
    if (pid !== undefined) await backends.terminate(pid)
    await resume(task, () => point.reject(new Killed(`killed ${moment} ${point.what}`)))
    await settle()
    await land()
  }

  async function killBlocked(): Promise<boolean> {
    const [flight] = flights
    const task = flight?.task
    if (!flight || !task?.mortal) return false
    flight.task = undefined
    await kill(task, undefined, flight.point, 'waiting for a lock in')
    return true
  }

  async function step(task: Task) {
    const point = task.point as Point
    counts.steps += 1
    last = task
    const due = options.kills.find((one) => one.step === counts.steps)
    if (due?.moment === 'blocked' && (await killBlocked())) return
    const { statement, run } = point
    if (due && task.mortal && due.moment !== 'after') {
      await kill(task, statement?.pid, point, 'before')
      return
    }
    if (!statement || !run) {
      note(task, point.what)
      await resume(task, () => point.resolve(undefined))
      return
    }
    const flight: Flight = { point, statement, task, ended: undefined }
    task.flight = flight
    task.point = undefined
    flights.add(flight)
    run().then(
      (value) => end(flight, { value }),
      (error) => end(flight, { error }),
    )
    // Almost all end at once; asking the database about each would take longer than the statement.
    await bell.within(3, () => flight.ended !== undefined)
    if (!flight.ended || (statement.frees && flights.size > 1)) await settle()
    note(task, `${shorten(point.what)}${flight.ended ? '' : ' … waits for a lock'}`)
    if (!flight.ended) counts.waits += 1
    await land(flight, due !== undefined && task.mortal)
  }

  function end(flight: Flight, ended: Flight['ended']) {
    flight.ended = ended
    bell.ring()
  }

  /** Waits until each statement has ended or waits for a lock that nobody is about to release. */
  async function settle() {
    for (;;) {
      const open = [...flights].filter((flight) => !flight.ended)
      if (open.length === 0) return
      const running = await backends.findRunning(open.map(({ statement }) => statement.pid))
      if (running.length === 0) return
      await bell.within(1, () => open.some((flight) => flight.ended))
    }
  }

  /** Gives the results out: first that of the statement that was released, which the others waited for. */
  async function land(released?: Flight, dies = false) {
    for (;;) {
      const ended = [...flights].filter((flight) => flight.ended)
      const [flight] = ended.sort(
        (a, b) => Number(b === released) - Number(a === released) || byName(a, b),
      )
      if (!flight) return
      flights.delete(flight)
      await giveOut(flight, flight === released, flight === released && dies)
    }
  }

  async function giveOut({ task, point, statement, ended }: Flight, own: boolean, dies: boolean) {
    if (!task) {
      // Its client is gone, which the backend notices now.
      await backends.terminate(statement.pid)
      await settle()
      return
    }
    if (!own) note(task, `goes on after ${shorten(point.what)}`)
    if (!ended || 'error' in ended) {
      await resume(task, () => point.reject(ended?.error))
      return
    }
    await options.afterStatement(task.name, statement)
    if (dies) await kill(task, statement.pid, point, 'after')
    else await resume(task, () => point.resolve(ended.value))
  }

  function pick(ready: readonly Task[]): Task {
    if (last && ready.includes(last) && random() < burst * weightNow(last)) return last
    let at = random() * ready.reduce((sum, task) => sum + task.weight * weightNow(task), 0)
    for (const task of ready) {
      at -= task.weight * weightNow(task)
      if (at < 0) return task
    }
    return ready.at(-1) as Task
  }

  function weightNow({ point }: Task): number {
    return point?.what === 'commit' ? options.commitWeight : 1
  }

  return {
    counts,
    trace,
    /** Adds to the trace what came of a step. */
    remark: (what: string) => trace.push(`    ${what}`),
    /**
     * @param mortal whether kills may hit it
     * @param live what it does; it hears of its death by `Killed` and may go on as a process started anew
     */
    add(
      { name, weight, mortal }: Pick<Task, 'name' | 'weight' | 'mortal'>,
      live: (turn: Turn) => Promise<void>,
    ) {
      const task: Task = {
        name,
        weight,
        mortal,
        point: undefined,
        flight: undefined,
        over: false,
      }
      tasks.push(task)
      const turn: Turn = {
        point: async (what) => {
          if (failure) throw new Abandoned()
          await park(task, { what, statement: undefined, run: undefined })
        },
        statement: async <T>(statement: Statement, run: () => Promise<T>) => {
          if (failure) throw new Abandoned()
          return (await park(task, { what: statement.text, statement, run })) as T
        },
      }
      thinking += 1
      lives.push(
        live(turn)
          .catch((error) => {
            if (!(error instanceof Abandoned)) fail(error)
          })
          .finally(() => {
            task.over = true
            thinking -= 1
            bell.ring()
          }),
      )
    },
    /** Plays until all actors have done what they had to do. */
    async run() {
      try {
        await quiet()
        for (;;) {
          const ready = tasks.filter((task) => task.point)
          if (ready.length > 0) await step(pick(ready))
          else if (flights.size > 0) await resolveDeadlock()
          else return
        }
      } catch (error) {
        fail(error)
        await abandon()
        throw error
      }
    },
  }

  /** The database ends a deadlock by itself after a second, and its victim's error ends the schedule. */
  async function resolveDeadlock() {
    const [first] = flights
    if (!first) return
    await bell.within(5_000, () => [...flights].some((flight) => flight.ended))
    const ended = [...flights].find((flight) => flight.ended)
    if (!ended) throw new Error(`${[...flights].map(({ task }) => task?.name)} wait for ever`)
    await land(ended)
  }

  async function abandon() {
    for (const { statement } of flights) await backends.terminate(statement.pid)
    for (const task of tasks) {
      const point = task.point ?? task.flight?.point
      if (!point) continue
      thinking += 1
      point.reject(new Abandoned())
    }
    await Promise.all(lives)
  }
}

export type Scheduler = ReturnType<typeof createScheduler>

function byName(a: Flight, b: Flight): number {
  return (a.task?.name ?? '') < (b.task?.name ?? '') ? -1 : 1
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 90 ? `${line.slice(0, 90)}…` : line
}

/** Wakes who waits for something to happen, whatever it is. */
function createBell() {
  let waiting: (() => void)[] = []
  const next = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve)
    })
  return {
    next,
    ring() {
      const all = waiting
      waiting = []
      for (const wake of all) wake()
    },
    /** Waits for a condition that only changes when the bell rings, and no longer than so long. */
    async within(ms: number, done: () => boolean) {
      let late = false
      const timer = setTimeout(() => {
        late = true
        this.ring()
      }, ms)
      while (!done() && !late) await next()
      clearTimeout(timer)
    },
  }
}
