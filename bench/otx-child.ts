// A stand-in of OTX in a process of its own, so that its work is not measured as ours.
import { buildOtxStandin } from '../src/standins/otx.ts'
import { syntheticPulses } from './synthetic.ts'

const [options = '{}', apiKey = '', indicatorsShown] = process.argv.slice(2)
const sets = [JSON.parse(options)].flat()
const pulses = sets.flatMap((set, index) =>
  // Each set has ids of its own.
  [...syntheticPulses(set)].map((pulse) => ({
    ...pulse,
    id: `${index}${String(pulse.id).slice(1)}`,
  })),
)
const standin = buildOtxStandin({
  pulses,
  apiKey,
  ...(indicatorsShown !== undefined && { indicatorsShown: Number(indicatorsShown) }),
})
const url = await standin.app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ url })
