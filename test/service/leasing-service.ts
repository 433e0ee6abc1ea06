/**
 * Runs the service as `taxiway serve` does, with leases that last as long as the test likes:
 *
 *     node leasing-service.ts LEASE_TTL_MS
 */
import { untilStopped } from '../../src/cli/until-stopped.ts'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { startService } from '../../src/service.ts'

const config = readConfig()
const log = createLog(config.logLevel)
const service = await startService(config, log, { leaseTtlMs: Number(process.argv[2]) })
log.info(`listens at ${service.address}`)
await untilStopped()
await service.stop()
log.info('stopped')
