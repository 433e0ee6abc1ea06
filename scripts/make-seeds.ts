/**
 * Writes seeds/otx-pulses.json, or prints it (--print): invented pulses for the demo and the tests, the same at
 * each run.
 */
import { writeFileSync } from 'node:fs'
import { hardPulses } from './seeds/hard-pulses.ts'
import { deletedPulse, judgedPulses } from './seeds/judged-pulses.ts'
import { ordinaryPulses } from './seeds/ordinary-pulses.ts'
import { base, createPulseMaker } from './seeds/pulse-maker.ts'
import { createRandom } from './seeds/random.ts'
import { revisedPulse } from './seeds/revised-pulse.ts'

const make = createPulseMaker(createRandom(20_260_101))
const revised = revisedPulse(make)
const pulses = [...ordinaryPulses(make), ...hardPulses(make), ...judgedPulses(make), revised.pulse]

const json = [
  '{',
  `"about": ${JSON.stringify('Synthetic: every value is invented, or stands here because careless feeds report it although it is harmless; no address, name or file here is known to be malicious. Dates are relative to base; who loads them moves them. Dedicated to the public domain (CC0 1.0).')},`,
  `"base": ${JSON.stringify(base)},`,
  `"pulses": [\n${pulses.map(writePulse).join(',\n')}\n],`,
  `"deleted": ${JSON.stringify(deletedPulse)},`,
  `"revision": ${writePulse(revised.revision)}`,
  '}\n',
].join('\n')

if (process.argv.includes('--print')) {
  process.stdout.write(json)
} else {
  writeFileSync(new URL('../seeds/otx-pulses.json', import.meta.url), json)
}

/** One indicator a line, so that a change of the seeds can be read. */
function writePulse(pulse: Record<string, unknown>): string {
  const { indicators, ...rest } = pulse
  const lines = (indicators as unknown[]).map((indicator) => JSON.stringify(indicator))
  return `${JSON.stringify(rest).slice(0, -1)},"indicators":[\n${lines.join(',\n')}\n]}`
}
