import type { AdminConnection } from '../admin/client/connection.ts'
import type { ServerOptions } from './open-admin.ts'

/** Asks the REST interface for one command: the server's, or one of its own where none runs. */
export async function asking(
  options: ServerOptions,
  work: (connection: AdminConnection) => Promise<void>,
): Promise<void> {
  const { openAdmin } = await import('./open-admin.ts')
  const connection = await openAdmin(options)
  try {
    await work(connection)
  } finally {
    await connection.close()
  }
}
