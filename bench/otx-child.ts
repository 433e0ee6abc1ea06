// A stand-in of OTX in a process of its own, so that its work is not measured as ours.
import { buildOtxStandin } from '../src/standins/otx.ts'
import { syntheticPulses } from './synthetic.ts'

const [options = '{}', apiKey = ''] = process.argv.slice(2)
const pulses = [...syntheticPulses(JSON.parse(options))]
const standin = buildOtxStandin({ pulses, apiKey })
const url = await standin.app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ url })
