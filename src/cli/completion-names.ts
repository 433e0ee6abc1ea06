import { accountCalls } from '../admin/client/accounts.ts'
import { collectionCalls } from '../admin/client/collections.ts'
import { createConnection } from '../admin/client/connection.ts'
import { findServer } from '../admin/client/find-socket.ts'
import { sourceCalls } from '../admin/client/sources.ts'
import { readConfig } from '../config.ts'
import { version } from '../version.ts'
import type { NameKind } from './completion-tree.ts'

const deadlineMs = 280

/**
 * Prints names for a shell's completion. Somebody waits with a finger on the key: it asks nobody but the
 * server at the socket, says nothing of what fails, and ends the process when it has taken too long.
 */
export async function printNames(kind: NameKind): Promise<void> {
  const left = deadlineMs - process.uptime() * 1_000
  setTimeout(() => process.exit(0), Math.max(left, 50)).unref()
  try {
    const found = await findServer(readConfig().dataDir)
    if (!found) return
    const connection = createConnection(found.transport, version)
    const calls = { accounts: accountCalls, collections: collectionCalls, sources: sourceCalls }
    for await (const page of calls[kind](connection).list()) {
      process.stdout.write(page.map(({ name }) => `${name}\n`).join(''))
    }
    await connection.close()
  } catch {
    // The line that is being typed must stay as it is.
  }
}
