// Prepares a million entries of warninglists and judges indicators by them, in a process of its own.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createJudge } from '../src/curation/judge.ts'
import { defaultPolicy } from '../src/curation/policy.ts'
import { createCompileWarninglists } from '../src/curation/warninglists.ts'
import { makeIndicators, makeLists } from './judging-lists.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function memoryMb(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1e6
}

const indicators = makeIndicators(100_000)
const compile = createCompileWarninglists()
const before = memoryMb()
let lists = makeLists()
const prepareCpu = process.cpuUsage()
const begin = performance.now()
const find = compile(lists)
const prepareMs = performance.now() - begin
const prepared = process.cpuUsage(prepareCpu)
const prepareCpuMs = (prepared.user + prepared.system) / 1000
const again = performance.now()
compile(lists.slice(1))
const addedMs = performance.now() - again
const entries = lists.reduce((sum, list) => sum + list.entries.length, 0)
lists = []
const preparedMb = memoryMb() - before

const judge = createJudge(defaultPolicy, find)
const now = new Date('2026-11-21T00:00:00Z')
const cpu = process.cpuUsage()
const start = performance.now()
let listed = 0
for (const indicator of indicators) {
  const { suppressions } = judge(indicator, now)
  if (suppressions.some(({ reason }) => reason === 'warninglist')) listed += 1
}
const judgeMs = performance.now() - start
const { user, system } = process.cpuUsage(cpu)
const judgeCpuMs = (user + system) / 1000
process.send?.({
  entries,
  prepareMs,
  prepareCpuMs,
  addedMs,
  preparedMb,
  judgeMs,
  judgeCpuMs,
  listed,
})
