import type { OtxConfig } from './config.ts'
import {
  type MadeAuthorCollections,
  makeAuthorCollections,
  maxAuthorCollections,
} from './intake/author-collections.ts'
import { type Intake, writeInTurn } from './intake/intake.ts'
import type { Log } from './log.ts'
import type { Db } from './store/db.ts'
import { readAuthors } from './store/source-figures.ts'
import { getSourceId } from './store/sources.ts'

export interface AuthorFeeds {
  /** Makes those of declared authors, and of authors who are in the store, once. */
  makeForKnown(): Promise<void>
  /** Makes that of the key's own user, who may never have published. */
  makeForMe(username: string): Promise<void>
  /** Pass the transaction that takes these authors' reports in. */
  makeForAuthors(trx: Db, authors: readonly string[]): Promise<void>
  /** what there is to say of authors without a collection, since this was last asked */
  problems(): readonly { readonly code: string; readonly message: string }[]
}

const maxRemembered = 10_000

/** The collections user_NAME, as OTX's own TAXII server has them; none where the settings want none. */
export function createAuthorFeeds(
  { authorCollections, authors: declared }: OtxConfig,
  intake: Intake,
  source: string,
  log: Log,
): AuthorFeeds {
  const warned = new Set<string>()
  const left = new Set<string>()
  let knownAreMade = false

  function note({ made, unnameable, left: more }: MadeAuthorCollections): void {
    if (made.length > 0) log.info({ collections: made }, 'made collections for authors of OTX')
    for (const author of unnameable) {
      if (warned.has(author) || warned.size >= maxRemembered) continue
      warned.add(author)
      log.warn({ author }, 'this author has no collection: the name cannot be part of one')
    }
    for (const author of more) if (left.size < maxRemembered) left.add(author)
  }

  /** Whom the operator or the key names is not among those that anybody could make up. */
  const makeNamed = (names: readonly string[]) =>
    writeInTurn(intake, (trx) =>
      makeAuthorCollections(trx, source, names, Number.POSITIVE_INFINITY),
    ).then(note)

  return {
    async makeForKnown() {
      if (!authorCollections || knownAreMade) return
      await makeNamed(declared)
      // All at once: what is stored is then looked through once, and not again with each author that is met.
      const sourceId = await getSourceId(intake.db, source)
      const stored = await readAuthors(intake.db, sourceId, maxAuthorCollections)
      const names = stored.map(({ author }) => author)
      note(await writeInTurn(intake, (trx) => makeAuthorCollections(trx, source, names)))
      knownAreMade = true
    },
    async makeForMe(username) {
      if (authorCollections) await makeNamed([username])
    },
    async makeForAuthors(trx, authors) {
      if (authorCollections) note(await makeAuthorCollections(trx, source, authors))
    },
    problems() {
      if (left.size === 0) return []
      const [first] = left
      const more = left.size > 1 ? ` and ${left.size - 1} more` : ''
      left.clear()
      return [
        {
          code: 'AUTHOR_COLLECTIONS_FULL',
          message: `there are ${maxAuthorCollections} collections of authors; ${first}${more} got none`,
        },
      ]
    },
  }
}
