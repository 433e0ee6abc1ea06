/** Opens the embedded database of a folder, says so, and holds it until it is killed or its stdin ends. */
import { writeSync } from 'node:fs'
import { openStore } from '../../src/store/db.ts'

const [dataDir = ''] = process.argv.slice(2)
const store = await openStore({ databaseUrl: undefined, dataDir })
writeSync(1, 'open\n')
for await (const _ of process.stdin) {
  // Nothing is said on it.
}
await store.close()
