import t from 'tap'
import { playCase } from '../faults/xml-play.ts'
import { startFuzzedServer } from '../faults/xml-server.ts'

const seed = 20_260_101
const cases = 300
const lanes = 4

t.test(
  'whatever message is sent, however it is sent, it is answered as TAXII has it',
  async (t) => {
    const server = await startFuzzedServer(t)
    const outcomes = new Map<string, number>()
    const faults: string[] = []
    let next = 0
    const playLane = async () => {
      while (next < cases) {
        next += 1
        const number = next
        const { outcome, fault } = await playCase(server, seed, number)
        if (fault !== undefined) faults.push(`SOAK_SEED=${seed} SOAK_CASE=${number}: ${fault}`)
        const [, end = ''] = outcome.split(': ')
        outcomes.set(end, (outcomes.get(end) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: lanes }, playLane))
    t.strictSame(faults, [])
    t.strictSame(server.faults, [])
    // A run in which all is refused proves nothing.
    for (const outcome of [
      'BAD_MESSAGE',
      'Collection_Information_Response',
      'Discovery_Response',
      'Feed_Information_Response',
      'Poll_Response',
      'SUCCESS',
      'Subscription_Management_Response',
      'UNSUPPORTED_CONTENT',
    ]) {
      t.ok(outcomes.has(outcome), `${outcomes.get(outcome)} ${outcome}`)
    }
  },
)
