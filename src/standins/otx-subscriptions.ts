/** A pulse as OTX's API writes it; the stand-in looks at what it must and serves the rest untouched. */
export type StandinPulse = Record<string, unknown>

/** What a test or a demo may do to the pulses. */
export interface OtxSubscriptions {
  /** Merges `change` into a pulse, whose revision and date of modification move on as OTX moves them. */
  revise(id: string, change: StandinPulse): void
  /** A pulse that somebody subscribed to has published. */
  add(pulse: StandinPulse): void
  /** The pulse is gone from everywhere, and an event says so. */
  remove(id: string): void
  /** A pulse is subscribed to by itself, and an event says so; `pulse` may be the id of one that was left. */
  subscribe(pulse: StandinPulse | string): void
  /** The pulse leaves the lists, and an event says so; it can still be asked for by its id. */
  unsubscribe(id: string): void
  /** The author's pulses come back to the lists, `more` with them; one event says so. */
  subscribeAuthor(name: string, ...more: readonly StandinPulse[]): void
  /** The author's pulses leave the lists; one event says so. */
  unsubscribeAuthor(name: string): void
  /** The pulse is listed with so many of its indicators only; all of them are had page by page. */
  shorten(id: string, indicators: number): void
}

export interface SubscriptionLists extends OtxSubscriptions {
  /** newest first; undated pulses, which the seeds have on purpose, count as the oldest */
  subscribed(): readonly StandinPulse[]
  find(id: string): StandinPulse | undefined
  /** as it stands in a list: with as many indicators as are shown there, and no verdict on them */
  shown(pulse: StandinPulse): StandinPulse
  readonly events: readonly StandinPulse[]
}

export interface SubscriptionSettings {
  readonly pulses: readonly StandinPulse[]
  readonly now: () => Date
  /** pulses with more indicators are listed with so many */
  readonly indicatorsShown: number
}

export function createSubscriptions(settings: SubscriptionSettings): SubscriptionLists {
  const { now } = settings
  /** every pulse there is, also those that nobody here is subscribed to */
  const pulses = new Map(settings.pulses.map((pulse) => [idOf(pulse), pulse]))
  const left = new Set<string>()
  const shortened = new Map<string, number>()
  const events: StandinPulse[] = []
  let order: readonly StandinPulse[] | undefined

  function tell(action: string, type: 'pulse' | 'user', objectId: string): void {
    const created = otxTimestamp(now())
    const id = events.length + 1
    events.push({ id, action, object_type: type, object_id: objectId, created })
  }
  function put(pulse: StandinPulse): void {
    pulses.set(idOf(pulse), pulse)
    left.delete(idOf(pulse))
    order = undefined
  }
  function get(id: string): StandinPulse {
    const pulse = pulses.get(id)
    if (!pulse) throw new Error(`the stand-in has no pulse ${id}`)
    return pulse
  }
  function pulsesBy(author: string): StandinPulse[] {
    return [...pulses.values()].filter((pulse) => pulse.author_name === author)
  }

  return {
    events,
    subscribed() {
      order ??= newestFirst([...pulses.values()].filter((pulse) => !left.has(idOf(pulse))))
      return order
    },
    find: (id) => pulses.get(id),
    shown(pulse) {
      const indicators = indicatorsOf(pulse)
      const most = shortened.get(idOf(pulse)) ?? settings.indicatorsShown
      const whole = indicators.length <= most
      // Most pulses are served as they are, without a copy.
      if (whole && !indicators.some(hasVerdict)) return pulse
      const some = indicators.slice(0, most).map(withoutVerdict)
      return { ...pulse, indicators: some, ...(!whole && { more_indicators: true }) }
    },
    revise(id, change) {
      const pulse = get(id)
      const revision = Number(pulse.revision ?? 0) + 1
      pulses.set(id, { ...pulse, revision, modified: otxTimestamp(now()), ...change })
      order = undefined
    },
    add: put,
    remove(id) {
      if (!pulses.delete(id)) return
      order = undefined
      tell('delete', 'pulse', id)
    },
    subscribe(pulse) {
      const subscribed = typeof pulse === 'string' ? get(pulse) : pulse
      put(subscribed)
      tell('subscribe', 'pulse', idOf(subscribed))
    },
    unsubscribe(id) {
      left.add(idOf(get(id)))
      order = undefined
      tell('unsubscribe', 'pulse', id)
    },
    subscribeAuthor(name, ...more) {
      for (const pulse of [...pulsesBy(name), ...more]) put(pulse)
      tell('subscribe', 'user', name)
    },
    unsubscribeAuthor(name) {
      for (const pulse of pulsesBy(name)) left.add(idOf(pulse))
      order = undefined
      tell('unsubscribe', 'user', name)
    },
    shorten(id, indicators) {
      shortened.set(idOf(get(id)), indicators)
    },
  }
}

/** Some seeds hold in place of an indicator what is none. */
function hasVerdict(indicator: unknown): boolean {
  return typeof indicator === 'object' && indicator !== null && 'false_positive' in indicator
}

function withoutVerdict(indicator: StandinPulse): StandinPulse {
  if (!hasVerdict(indicator)) return indicator
  const { false_positive: _, ...one } = indicator
  return one
}

/** As OTX writes a moment: UTC, six digits, no zone. */
export function otxTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000`
}

export function idOf(pulse: StandinPulse): string {
  return String(pulse.id ?? pulse._id)
}

export function indicatorsOf(pulse: StandinPulse): readonly StandinPulse[] {
  return Array.isArray(pulse.indicators) ? pulse.indicators : []
}

export function momentOf(pulse: StandinPulse): number {
  return asUtc(String(pulse.modified)) || 0
}

export function asUtc(text: string): number {
  return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
}

function newestFirst(pulses: readonly StandinPulse[]): StandinPulse[] {
  return pulses
    .map((pulse) => ({ pulse, id: idOf(pulse), moment: momentOf(pulse) }))
    .sort((a, b) => b.moment - a.moment || compare(a.id, b.id))
    .map(({ pulse }) => pulse)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
