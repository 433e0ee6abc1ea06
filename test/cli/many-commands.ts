import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { CommanderError } from 'commander'
import { buildProgram, exitCodeOfUsage } from '../../src/cli/program.ts'
import { reportFailure } from '../../src/cli/report-failure.ts'

// Runs the command lines that come from a socket one after another, each as src/main.ts does one: to start a
// process for each would cost many times what they do. What each said goes back.
const socket = connect(process.argv[2] ?? '')
for await (const line of createInterface(socket)) {
  socket.write(`${JSON.stringify(await runCommand(JSON.parse(line)))}\n`)
}

async function runCommand(args: string[]) {
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
  const code = Number(process.exitCode)
  process.exitCode = 0
  return { ...printed, code }
}
