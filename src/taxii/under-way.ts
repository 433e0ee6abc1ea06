import { tooMuchUnderWay } from './refusal.ts'

/** What accounts have under way: sent and held in memory, and not answered yet. */
export interface UnderWay {
  /** A message of this account begins. */
  begin(accountId: number): MessageUnderWay
}

export interface MessageUnderWay {
  /** @throws TaxiiRefusal RETRY where the account, or all, have too much under way; the message is to end then */
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

// Of so many accounts each may have all that one may have; where there are more, they share it.
const accountsToShare = 2
// All together never have more than so many may.
const accountsAtMost = 3

/**
 * Holds each account to so much in all its messages at once, and all accounts together to a few times as much: a
 * message is bounded, and there are as many of them as connections. Where all have much, who has no more than his
 * share goes on for a while, so that two accounts keep nobody out.
 */
export function createUnderWay(most: MostUnderWay): UnderWay {
  const held = new Map<number, Held>()
  const total = { bytes: 0, observables: 0 }
  return {
    begin(accountId) {
      const all = held.get(accountId) ?? { messages: 0, bytes: 0, observables: 0 }
      held.set(accountId, all)
      all.messages += 1
      const own = { bytes: 0, observables: 0 }
      const add = (what: keyof MostUnderWay, count: number) => {
        own[what] += count
        all[what] += count
        total[what] += count
        // Alone, a message is held to its own limits.
        if (all[what] > most[what] && all.messages > 1) throw tooMuchUnderWay('this account has')
        // Polls and small messages go on whatever others send: they are bounded by the connections.
        if (what === 'bytes' && own.bytes <= most.bytes / 100) return
        const shared = accountsToShare * most[what]
        const isOverShare = total[what] > shared && all[what] > shared / held.size
        if (isOverShare || total[what] > accountsAtMost * most[what])
          throw tooMuchUnderWay('all accounts together have')
      }
      return {
        addBytes: (count) => add('bytes', count),
        addObservables: (count) => add('observables', count),
        end() {
          all.messages -= 1
          all.bytes -= own.bytes
          all.observables -= own.observables
          total.bytes -= own.bytes
          total.observables -= own.observables
          if (all.messages === 0) held.delete(accountId)
        },
      }
    },
  }
}

type Held = { messages: number } & { -readonly [What in keyof MostUnderWay]: number }
