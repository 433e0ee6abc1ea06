import type { Collection, Rule } from '../model/collection.ts'
import { namesInbox } from '../model/selection.ts'
import { tlpRank } from '../model/tlp.ts'

/** What such a collection asks of an assertion. */
export interface AuthoredAssertion {
  readonly source: string
  /** of its report; empty where it has none */
  readonly author: string
  readonly tlp: number
  /** whether its report is for the public */
  readonly public: boolean
  /** whether it came by an Inbox_Message */
  readonly sent: boolean
}

export interface AuthorPermits {
  /** places of the collections that ask for something else */
  readonly others: readonly number[]
  /** all that are asked for */
  readonly authors: readonly string[]
  /** @returns places of the collections that permit it, ascending */
  permittedBy(assertion: AuthoredAssertion): readonly number[]
}

interface Asked {
  readonly sources: readonly string[] | undefined
  readonly authors: readonly string[]
}

/**
 * Finds the collections that ask for authors, and nothing else but a source, by the author: there may be
 * hundreds, of which an assertion is in one, and to evaluate each of them costs more than all the rest of an
 * ingest.
 */
export function createAuthorPermits(collections: readonly Collection[]): AuthorPermits {
  const others: number[] = []
  const byAuthor = new Map<string, number[]>()
  const sourcesOf = new Map<number, readonly string[] | undefined>()
  for (const [place, { rule, inbox }] of collections.entries()) {
    const asked = inbox || namesInbox(rule) ? undefined : askedAuthors(rule)
    if (!asked) {
      others.push(place)
      continue
    }
    sourcesOf.set(place, asked.sources)
    for (const author of new Set(asked.authors)) {
      const places = byAuthor.get(author)
      if (places) places.push(place)
      else byAuthor.set(author, [place])
    }
  }
  return {
    others,
    authors: [...byAuthor.keys()],
    permittedBy: (assertion) =>
      (byAuthor.get(assertion.author) ?? []).filter((place) => {
        const { maxTlp, nonPublic } = collections[place] as Collection
        return (
          !assertion.sent &&
          assertion.tlp <= tlpRank(maxTlp) &&
          (nonPublic || assertion.public) &&
          (sourcesOf.get(place)?.includes(assertion.source) ?? true)
        )
      }),
  }
}

function askedAuthors(rule: Rule): Asked | undefined {
  if ('author' in rule) return { sources: undefined, authors: listOf(rule.author) }
  if (!('all' in rule) || rule.all.length !== 2) return undefined
  const source = rule.all.find((one) => 'source' in one)
  const author = rule.all.find((one) => 'author' in one)
  if (!source || !author) return undefined
  return { sources: listOf(source.source), authors: listOf(author.author) }
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value
}
