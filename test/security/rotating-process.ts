/**
 * Rotates the key of a data folder in a process of its own, which waits before each step until it is told to
 * go on: `rotating-process.ts DATABASE_URL DATA_DIR`.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { openSecretKeys } from '../../src/secret-keys.ts'
import { openStore } from '../../src/store/db.ts'

const [databaseUrl, dataDir = ''] = process.argv.slice(2)
const lines = createInterface(process.stdin)
const store = await openStore({ databaseUrl, dataDir })
const quiet = () => {}
let rotating = false
const keys = await openSecretKeys({
  config: { secrets: { key: undefined, previousKey: undefined }, dataDir, jwtSeconds: 3600 },
  store,
  log: { info: quiet, warn: quiet, error: console.error } as never,
  onStep: async (step) => {
    if (!rotating) return
    console.log(step)
    await once(lines, 'line')
  },
})
rotating = true
await store.db.transaction().execute((trx) => keys.rotateWithin(trx))
console.log('committed')
await once(lines, 'line')
await keys.follow()
console.log('followed')
await store.close()
process.exit()
