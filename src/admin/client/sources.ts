import type { DetailedSource, Resync, Source } from '../source-schema.ts'
import type { AdminConnection } from './connection.ts'

/** The calls of the REST interface on where indicators come from. */
export function sourceCalls({ ask, pages }: AdminConnection) {
  const of = (name: string) => `/sources/${encodeURIComponent(name)}`
  return {
    list: () => pages<Source>('/sources', 'sources'),
    get: (name: string) => ask<DetailedSource>('GET', of(name)),
    resync: (name: string, since: Date) =>
      ask<Resync>('POST', `${of(name)}/resync`, { since: since.toISOString() }),
  }
}
