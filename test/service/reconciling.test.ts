import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { lockIntake } from '../../src/store/blocks.ts'
import { findCollection } from '../../src/store/collections.ts'
import { openStore } from '../../src/store/db.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { makeFolder, startService } from '../helpers/taxiway.ts'

/** Gives a collection settings through the socket of a service. @returns the status */
function put(socketPath: string, name: string, settings: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({
      socketPath,
      method: 'PUT',
      path: `/api/v1/collections/${name}`,
      headers: { 'content-type': 'application/json' },
    })
    asked.once('response', (response) => {
      response.resume().once('end', () => resolve(response.statusCode))
    })
    asked.once('error', reject)
    asked.end(JSON.stringify(settings))
  })
}

t.test(
  'settings that are stored when the service stops are followed after its next start',
  async (t) => {
    const { url: databaseUrl } = await createTestDatabase(t)
    const settings = {
      TAXIWAY_DATABASE_URL: databaseUrl,
      TAXIWAY_DATA_DIR: await makeFolder(t),
    }
    const service = await startService(t, settings)
    const store = await openStore({ databaseUrl, dataDir: '' })
    t.teardown(() => store.close())
    const isBehind = async () => {
      const found = await findCollection(store.db, 'mine')
      return found && found.reconciledVersion < found.settingsVersion
    }

    // Another writer has its turn: the caller does not wait for it.
    await store.db.transaction().execute(async (trx) => {
      await lockIntake(trx)
      const given = { description: 'Mine', rule: { all: [] } }
      t.equal(await put(join(settings.TAXIWAY_DATA_DIR, 'taxiway.sock'), 'mine', given), 201)
      t.equal(await isBehind(), true)
      service.process.kill('SIGTERM')
      await service.saw(/SIGTERM: finishing what is under way/)
    })
    const { code, stderr } = await service.ended
    t.equal(code, 0)
    t.notMatch(stderr, /"level":(40|50)/, 'the store was not closed beneath it')

    const next = await startService(t, settings)
    while ((await isBehind()) && next.process.exitCode === null);
    t.equal(await isBehind(), false)
  },
)
