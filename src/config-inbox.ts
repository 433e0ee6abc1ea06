import type { Readers } from './config.ts'
import { parseTlp, type Tlp, tlpLevels } from './model/tlp.ts'

const destinations = ['required', 'optional', 'prohibited'] as const

/** What becomes of Inbox_Messages. */
export interface InboxConfig {
  /** whether they must name collections, may, or must not */
  readonly destination: (typeof destinations)[number]
  /** of a whole message */
  readonly maxBytes: number
  /** of content that is marked with no level */
  readonly tlp: Tlp
  /** how long a content block stays on record after it came last */
  readonly days: number
}

export function readInbox({ read, problem, integer }: Readers): InboxConfig {
  const text = read('INBOX_DESTINATION') ?? 'required'
  const destination = destinations.find((one) => one === text)
  if (!destination) {
    problem('INBOX_DESTINATION', `must be one of ${destinations.join(', ')}, not "${text}"`)
  }
  const level = read('INBOX_TLP') ?? 'amber'
  const tlp = parseTlp(level)
  if (!tlp) problem('INBOX_TLP', `must be one of ${tlpLevels.join(', ')}, not "${level}"`)
  return {
    destination: destination ?? 'required',
    maxBytes: integer('INBOX_MAX_MB', 1, 1_000, 50) * 1_048_576,
    tlp: tlp ?? 'amber',
    days: integer('INBOX_DAYS', 2, 3_650, 90),
  }
}
