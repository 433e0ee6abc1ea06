import t, { type Test } from 'tap'
import { UpstreamError } from '../../src/model/errors.ts'
import {
  beyondDepth,
  largePagesFrom,
  type OtxStandin,
  type StandinPulse,
} from '../../src/standins/otx.ts'
import type { OtxStandinCondition } from '../../src/standins/otx-behaviour.ts'
import type { OtxFault } from '../../src/standins/otx-faults.ts'
import { type Dump, differences, dumpStore } from '../faults/dump.ts'
import { findFaults } from '../helpers/sound-feed.ts'
import { openTestStore } from '../helpers/stores.ts'
import { asks, indicatorOf, pulseOf, startOtx, startWalking } from './otx-walks.ts'

/** Forty small pulses and two of which OTX sends a part. */
const pulses = (): StandinPulse[] => [
  ...Array.from({ length: 40 }, (_, n) => {
    const modified = new Date(Date.UTC(2026, 4, 1, n)).toISOString().slice(0, 19)
    return pulseOf(n, { modified, indicators: [indicatorOf(n), indicatorOf(n + 1)] })
  }),
  ...[50, 51].map((n) =>
    pulseOf(n, {
      modified: `2026-05-01T${n - 40}:30:00`,
      indicators: Array.from({ length: 1_500 }, (_, index) =>
        indicatorOf(n * 10_000 + index, { is_active: index % 3 === 0 ? 0 : 1 }),
      ),
    }),
  ),
]

/** What the stand-in does, and what of it remains in the end. */
interface Trouble {
  readonly happens: (otx: OtxStandin) => void
  /** what a calm walk finds in OTX afterwards; absent: what was there from the beginning */
  readonly leaves?: (otx: OtxStandin) => void
  readonly timeoutMs?: number
}

const answering =
  (asked: OtxStandinCondition, ...faults: readonly OtxFault[]): Trouble['happens'] =>
  (otx) =>
    otx.misbehaveAt(asked, ...faults)

const gatewayTimeout: OtxFault = { kind: 'html-error', status: 504 }
const many = (fault: OtxFault, times: number): OtxFault[] => Array(times).fill(fault)
const none: OtxFault = { kind: 'none' }
const secondPage: OtxStandinCondition = (request) => asks.pages(request) && request.offset >= 8

const revised = (n: number): StandinPulse => ({
  modified: '2026-05-20T00:00:00',
  indicators: [indicatorOf(n), indicatorOf(90_000 + n)],
})
const add = (otx: OtxStandin) => otx.add(pulseOf(60, { modified: '2026-05-21T00:00:00' }))
const revise = (otx: OtxStandin) => {
  otx.revise('p3', revised(3))
  otx.revise('p39', revised(39))
}
const reviseLarge = (otx: OtxStandin) =>
  otx.revise('p50', {
    modified: '2026-05-20T00:00:00',
    indicators: Array.from({ length: 2_100 }, (_, n) => indicatorOf(500_700 + n)),
  })

const troubles: Readonly<Record<string, Trouble>> = {
  'gateway timeouts beyond a depth': {
    happens: (otx) => {
      otx.misbehaveWhile(beyondDepth(24), gatewayTimeout)
      otx.onRequest(({ number }) => number > 80, otx.behave)
    },
  },
  'gateway timeouts for all but small pages': {
    happens: (otx) => otx.misbehaveWhile(largePagesFrom(8, 1), gatewayTimeout),
  },
  'too many requests': {
    happens: answering(secondPage, ...many({ kind: 'too-many-requests' }, 9)),
  },
  'too many requests, with a time to wait': {
    happens: answering(secondPage, ...many({ kind: 'too-many-requests', retryAfter: '7' }, 9)),
  },
  'too many requests, with more time than is waited for': {
    happens: (otx) => {
      const fault: OtxFault = { kind: 'too-many-requests', retryAfter: '4000' }
      for (const asked of Object.values(asks)) otx.misbehaveAt(asked, none, fault)
    },
  },
  'truncated bodies': {
    happens: answering(secondPage, none, ...many({ kind: 'truncated-json' }, 9)),
  },
  'HTML with status 200': { happens: answering(secondPage, ...many({ kind: 'html-page' }, 9)) },
  'other JSON': {
    happens: answering(secondPage, ...many({ kind: 'other-json', json: { detail: 'no' } }, 9)),
  },
  'a next page on another server': {
    happens: answering(
      secondPage,
      ...many({ kind: 'foreign-next', origin: 'https://elsewhere.taxiway-demo.com' }, 9),
    ),
  },
  'pages that lead back': { happens: answering(secondPage, ...many({ kind: 'repeated-page' }, 9)) },
  'empty pages before the end': {
    happens: answering(secondPage, ...many({ kind: 'empty-page' }, 9)),
  },
  'a count that falls for one page': {
    happens: answering(secondPage, none, { kind: 'wrong-count', count: 17 }),
  },
  'slow bytes': {
    happens: answering(secondPage, ...many({ kind: 'slow', pieceBytes: 4_096, pauseMs: 1 }, 3)),
  },
  'a server that stops before the headers': {
    happens: answering(secondPage, ...many({ kind: 'stalled', from: 'headers' }, 4)),
    timeoutMs: 300,
  },
  'a server that stops in the body': {
    happens: answering(secondPage, ...many({ kind: 'stalled', from: 'body' }, 4)),
    timeoutMs: 300,
  },
  'reset connections': {
    happens: answering(
      secondPage,
      ...many({ kind: 'connection-reset' }, 5),
      ...many({ kind: 'connection-reset', from: 'body' }, 5),
    ),
  },
  'damaged compression': { happens: answering(secondPage, ...many({ kind: 'damaged-gzip' }, 9)) },
  'pages of indicators that fail': {
    happens: answering(
      asks.indicators,
      none,
      ...many(gatewayTimeout, 12),
      ...many({ kind: 'truncated-json' }, 5),
      none,
      ...many({ kind: 'html-page' }, 9),
    ),
  },
  'indicators that only come in small pages': {
    happens: (otx) =>
      otx.misbehaveWhile((one) => asks.indicators(one) && one.limit > 256, gatewayTimeout),
  },
  'events, ids and a name that fail': {
    happens: (otx) => {
      for (const asked of [asks.me, asks.events, asks.ids]) {
        otx.misbehaveAt(asked, ...many(gatewayTimeout, 12), ...many({ kind: 'html-page' }, 4))
      }
    },
  },
  'faults everywhere, one after the other': {
    happens: (otx) =>
      otx.misbehave(
        ...Array.from({ length: 60 }, (_, n): OtxFault => {
          if (n % 3 === 0) return none
          return n % 5 === 0
            ? gatewayTimeout
            : n % 2
              ? { kind: 'html-page' }
              : { kind: 'empty-body' }
        }),
      ),
  },
  'a page that shifts down while it is walked': {
    happens: (otx) => otx.onRequest(secondPage, () => add(otx)),
    leaves: add,
  },
  'revisions during the walk': {
    happens: (otx) => otx.onRequest(secondPage, () => revise(otx)),
    leaves: revise,
  },
  'a revision while its indicators are read': {
    happens: (otx) =>
      otx.onRequest(
        (one) => one.path === 'pulses/p50/indicators' && one.page === 2,
        () => reviseLarge(otx),
      ),
    leaves: reviseLarge,
  },
  'a revision of what is left unfinished': {
    happens: (otx) => {
      const indicators: OtxStandinCondition = (one) => one.path === 'pulses/p50/indicators'
      otx.misbehaveAt(indicators, none, ...many({ kind: 'html-page' }, 3))
      otx.onRequest(asks.ids, () => reviseLarge(otx))
    },
    leaves: reviseLarge,
  },
}

/** Pulses that leave while OTX is walked. */
const departures: Readonly<
  Record<string, { readonly when: OtxStandinCondition; readonly leaves: (otx: OtxStandin) => void }>
> = {
  'a page that shifts up while it is walked': {
    when: secondPage,
    leaves: (otx) => {
      for (const n of [39, 38, 37, 12, 2]) otx.remove(`p${n}`)
    },
  },
  'pulses that are unsubscribed during the walk': {
    when: secondPage,
    leaves: (otx) => {
      for (const n of [39, 20, 1]) otx.unsubscribe(`p${n}`)
    },
  },
  'a large pulse that is deleted while its indicators are read': {
    when: (one) => one.path === 'pulses/p50/indicators' && one.page === 2,
    leaves: (otx) => otx.remove('p50'),
  },
  'a large pulse that is deleted after it was read': {
    when: asks.ids,
    leaves: (otx) => otx.remove('p50'),
  },
}

async function walkUntilWhole(t: Test, otx: OtxStandin, url: string, timeoutMs = 5_000) {
  const { db } = await openTestStore(t, 'postgresql')
  const walking = await startWalking(t, db, url, { pageSize: 8, retries: 2, timeoutMs })
  let whole = 0
  let walks = 0
  // The last two walks meet no trouble any more: what they leave is compared.
  while (whole < 2) {
    walks += 1
    if (walks > 40) throw new Error('no walk became whole')
    // Behind the events of the walk before, as time goes on.
    walking.intake.now = new Date(walking.intake.now.getTime() + 86_400_000)
    try {
      const { problems, unfinished } = await walking.walk()
      whole = problems.length === 0 && unfinished === 0 ? whole + 1 : 0
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      whole = 0
    }
  }
  otx.behave()
  t.same(await findFaults(db), {})
  return { dump: await dumpStore(db), walks }
}

/** Without the cursor, which says how it came about, and without the traces of what was there before. */
function essence({ sources: _, ...dump }: Dump): Dump {
  const rows = <Row>(name: string) => (dump[name] ?? []) as Row[]
  const gone = new Set(
    rows<{ external_id: string; gone: string | null }>('reports')
      .filter((row) => row.gone !== null)
      .map((row) => row.external_id),
  )
  const isPast = (row: object) =>
    'of_newest_version' in row &&
    'report' in row &&
    (!row.of_newest_version || gone.has(String(row.report)))
  const assertions = rows<{ type: string; value: string; report: string }>('assertions').filter(
    (row) => !isPast(row),
  )
  const keyOf = ({ report, type, value }: { report: string; type: string; value: string }) =>
    `${report} ${type} ${value}`
  const asserted = new Set(assertions.map(keyOf))
  const there = new Set(assertions.map(({ type, value }) => `${type} ${value}`))
  return {
    ...dump,
    reports: rows<{ external_id: string }>('reports').filter((row) => !gone.has(row.external_id)),
    indicators: rows<{ type: string; value: string }>('indicators').filter(({ type, value }) =>
      there.has(`${type} ${value}`),
    ),
    assertions,
    suppressions: rows<{ type: string; value: string; report: string }>('suppressions').filter(
      (row) => asserted.has(keyOf(row)),
    ),
  }
}

async function calm(t: Test, leaves: (otx: OtxStandin) => void) {
  const { otx, url } = await startOtx(t, pulses(), { indicatorsShown: 5 })
  leaves(otx)
  return walkUntilWhole(t, otx, url)
}

t.test('after every trouble the store is as after calm walks', async (t) => {
  const unchanged = await calm(t, () => {})
  t.equal(unchanged.walks, 2)
  for (const [name, { happens, leaves, timeoutMs }] of Object.entries(troubles)) {
    await t.test(name, async (t) => {
      const { otx, url } = await startOtx(t, pulses(), { indicatorsShown: 5 })
      happens(otx)
      const found = await walkUntilWhole(t, otx, url, timeoutMs)
      const wanted = leaves ? await calm(t, leaves) : unchanged
      t.comment(`${found.walks} walks`)
      t.same(differences(essence(found.dump), essence(wanted.dump)), {})
    })
  }
})

t.test('what leaves while it is walked leaves nothing but its trace', async (t) => {
  for (const [name, { when, leaves }] of Object.entries(departures)) {
    await t.test(name, async (t) => {
      const { otx, url } = await startOtx(t, pulses(), { indicatorsShown: 5 })
      otx.onRequest(when, () => leaves(otx))
      const found = await walkUntilWhole(t, otx, url)
      const wanted = await calm(t, leaves)
      const { reports = [] } = found.dump as { reports: { gone: string | null }[] }
      t.ok(reports.some(({ gone }) => gone !== null))
      t.same(differences(essence(found.dump), essence(wanted.dump)), {})
    })
  }
})
