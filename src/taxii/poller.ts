import type { IncomingHttpHeaders } from 'node:http'
import type { Account } from '../model/account.ts'
import type { Poller } from './feed.ts'

// Long enough for what clients call themselves, too short to fill a disk with.
const maxUserAgentLength = 200

/** Who polls, as the ledger has it. */
export function pollerOf(
  account: Account,
  { ip, headers }: { readonly ip: string; readonly headers: IncomingHttpHeaders },
): Poller {
  const userAgent = (headers['user-agent'] ?? '').slice(0, maxUserAgentLength)
  return { account, address: ip, userAgent }
}
