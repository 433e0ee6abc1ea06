import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { type Service, startService } from '../service.ts'
import { untilStopped } from './until-stopped.ts'

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the service until it is stopped with Ctrl-C or SIGTERM')
    .addHelpText('after', '\nAll settings are TAXIWAY_… variables; .env.example explains each.')
    .action(async () => {
      const config = readConfig()
      const log = createLog(config.logLevel)
      let service: Service | undefined
      // By itself this signal ends a process: also one that has nothing to read again.
      process.on('SIGHUP', () => {
        log.info('SIGHUP: reading again what can change without a new start')
        void service?.reload()
      })
      service = await startService(config, log)
      const url = config.publicUrl ?? service.address
      log.info({ version: process.version }, `TAXII discovery is at ${url}/taxii/discovery`)
      const signal = await untilStopped()
      log.info(`${signal}: finishing what is under way, for at most 10 s`)
      await service.stop()
      log.info('stopped')
      // A connection that hangs must not keep the process.
      setTimeout(() => process.exit(), 1_000).unref()
    })
}
