import { pollOnce } from './polling.ts'

/** Polls the address that it is given, in a process whose memory is bounded from outside. */
const { outcome, rules } = await pollOnce(new URL(String(process.argv[2])), {
  forgetsBlocks: true,
})
const { tally, fault } = outcome
const distinct = [...tally.types.values()].reduce((sum, one) => sum + one.distinct, 0)
console.log(
  JSON.stringify({ blocks: tally.blocks, distinct, rules, ...(fault && { fault: fault.kind }) }),
)
