#!/usr/bin/env node
import { CommanderError } from 'commander'
import { buildProgram, exitCodeOfUsage } from './cli/program.ts'
import { reportFailure } from './cli/report-failure.ts'

// Whoever reads our output may stop, as `head` does: what the command was asked for is done all the same.
let unwritable = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || unwritable) return
  unwritable = true
  console.error(
    `taxiway: standard output cannot be written (${error.message}): what it holds is not whole; see to the disk that it goes to`,
  )
  process.once('exit', () => {
    process.exitCode = process.exitCode || 1
  })
})

try {
  const program = await buildProgram(process.argv[2])
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = exitCodeOfUsage(error)
  else reportFailure(error)
}
