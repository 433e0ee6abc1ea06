import type { AdminParts } from '../src/admin/parts.ts'
import { buildApp } from '../src/app.ts'
import { createLog } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import type { Identify } from '../src/model/account.ts'
import type { Feed } from '../src/taxii/feed.ts'
import { version } from '../src/version.ts'

/** The description of the REST interface, as the routes' schemas say it. */
export async function renderOpenapi(): Promise<string> {
  const app = await buildApp({
    // Nothing is asked of it: the routes are only listed.
    admin: { version } as AdminParts,
    feed: {} as Feed,
    inbox: undefined,
    identify: {} as Identify,
    checkStore: async () => {},
    metrics: createMetrics(),
    log: createLog('silent'),
    publicUrl: undefined,
    version,
  })
  try {
    await app.ready()
    return `# Written by "npm run openapi" from the routes' schemas; do not edit it by hand.\n${app.swagger({ yaml: true })}`
  } finally {
    await app.close()
  }
}
