import { readFileSync, writeFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { buildProgram, exitCodeOfUsage } from '../../src/cli/program.ts'
import { reportFailure } from '../../src/cli/report-failure.ts'

// Runs command lines of a file one after another, as src/main.ts does one: to start a process for each
// would cost many times what they do. What each said goes to a second file.
const [from = '', to = ''] = process.argv.slice(2)
const said: { code: number; stdout: string; stderr: string }[] = []
for (const args of JSON.parse(readFileSync(from, 'utf8')) as string[][]) {
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (piece: string | Uint8Array) => {
      printed[name] += piece
      return true
    }
  }
  process.exitCode = 0
  try {
    const program = await buildProgram(args[0])
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = exitCodeOfUsage(error)
    else reportFailure(error)
  }
  said.push({ ...printed, code: Number(process.exitCode) })
}
process.exitCode = 0
writeFileSync(to, JSON.stringify(said), { mode: 0o600 })
