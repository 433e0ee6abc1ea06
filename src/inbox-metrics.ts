import { Counter, Gauge, Histogram } from 'prom-client'
import type { Metrics } from './metrics.ts'
import { createSharedRead } from './shared-read.ts'
import type { Db } from './store/db.ts'
import { inboxOutcomes } from './store/inbox.ts'
import { readAllKeptBytes } from './store/inbox-retention.ts'
import type { InboxAnswer, InboxFigures } from './taxii/inbox-figures.ts'

// An alarm needs the 0 before the first.
const answers: readonly InboxAnswer[] = [
  'SUCCESS',
  'BAD_MESSAGE',
  'DENIED',
  'DESTINATION_COLLECTION_ERROR',
  'FAILURE',
  'NOT_FOUND',
  'RETRY',
  'UNAUTHORIZED',
  'UNSUPPORTED_CONTENT',
  'broken off',
]

/** Inbox_Messages in `/metrics`. Like all there it names no account and no collection: `inbox list` and the log do. */
export function observeInbox(metrics: Pick<Metrics, 'registry' | 'takenIn'>, db: Db): InboxFigures {
  const registers = [metrics.registry]
  const messages = new Counter({
    name: 'taxiway_inbox_messages_total',
    help: 'Inbox_Messages of accounts, by the status they were answered with, or broken off by their clients.',
    labelNames: ['answer'],
    registers,
  })
  for (const answer of answers) messages.inc({ answer }, 0)
  const blocks = new Counter({
    name: 'taxiway_inbox_blocks_total',
    help: 'Content blocks of Inbox_Messages that were taken, by what became of them; known: it changed nothing.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of [...inboxOutcomes, 'known']) blocks.inc({ outcome }, 0)
  const seconds = new Histogram({
    name: 'taxiway_inbox_message_seconds',
    help: 'Time from the beginning of an Inbox_Message that was taken to its answer: it is read, judged and published then.',
    buckets: [0.025, 0.1, 0.5, 2.5, 10, 60, 300],
    registers,
  })
  const readKept = createSharedRead<number | undefined>(() => readAllKeptBytes(db), {
    otherwise: undefined,
  })
  new Gauge({
    name: 'taxiway_inbox_kept_bytes',
    help: 'Bytes kept of content that nobody understood, of all accounts.',
    registers,
    async collect() {
      const bytes = await readKept()
      if (bytes === undefined) this.remove()
      else this.set(bytes)
    },
  })
  return {
    answered(answer, took) {
      messages.inc({ answer })
      if (answer === 'SUCCESS') seconds.observe(took)
    },
    delivered({ outcomes }) {
      for (const [outcome, count] of Object.entries(outcomes)) blocks.inc({ outcome }, count)
    },
    stored: (work) => metrics.takenIn({ ...work, rejected: 0 }),
  }
}
