/** Waits for a line, so that several begin at once, migrates, and prints what was applied as JSON. */
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { openStore } from '../../src/store/db.ts'
import { migrate } from '../../src/store/migrate.ts'

const [databaseUrl = ''] = process.argv.slice(2)
const store = await openStore({ databaseUrl, dataDir: '' })
writeSync(1, 'ready\n')
await once(process.stdin, 'data')
writeSync(1, `${JSON.stringify(await migrate(store.db))}\n`)
await store.close()
process.stdin.destroy()
