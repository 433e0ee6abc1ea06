import { tooMuchUnderWay } from './refusal.ts'

/** What accounts have under way: sent and held in memory, and not answered yet. */
export interface UnderWay {
  /** A message of this account begins. */
  begin(accountId: number): MessageUnderWay
}

export interface MessageUnderWay {
  /** @throws TaxiiRefusal RETRY where the account has too much under way; the message is to end then */
  addBytes(count: number): void
  /** @throws TaxiiRefusal RETRY likewise */
  addObservables(count: number): void
  /** It is answered or broken off; once. */
  end(): void
}

export interface MostUnderWay {
  readonly bytes: number
  readonly observables: number
}

/**
 * Holds each account to so much in all its messages at once: a message is bounded, and there are as many of them as
 * connections.
 */
export function createUnderWay(most: MostUnderWay): UnderWay {
  const held = new Map<number, Held>()
  return {
    begin(accountId) {
      const all = held.get(accountId) ?? { messages: 0, bytes: 0, observables: 0 }
      held.set(accountId, all)
      all.messages += 1
      const own = { bytes: 0, observables: 0 }
      const add = (what: keyof MostUnderWay, count: number) => {
        own[what] += count
        all[what] += count
        // Alone, a message is held to its own limits.
        if (all[what] > most[what] && all.messages > 1) throw tooMuchUnderWay()
      }
      return {
        addBytes: (count) => add('bytes', count),
        addObservables: (count) => add('observables', count),
        end() {
          all.messages -= 1
          all.bytes -= own.bytes
          all.observables -= own.observables
          if (all.messages === 0) held.delete(accountId)
        },
      }
    },
  }
}

type Held = { messages: number } & { -readonly [What in keyof MostUnderWay]: number }
