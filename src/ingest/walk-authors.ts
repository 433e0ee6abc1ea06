import { attempt, type Walk } from './walk.ts'
import { type ListPlace, readWalkCursor, type WalkCursor } from './walk-cursor.ts'
import { shiftingList, walkList } from './walk-list.ts'

/**
 * Takes in what authors wrote before they were subscribed to, which the walk by date passes over. What fails
 * is a problem; the next walk goes on there.
 */
export async function walkAuthors(walk: Walk): Promise<void> {
  const { authors = [] } = await readWalkCursor(walk.intake.db, walk.sourceId)
  for (const from of authors) {
    const { author } = from
    await attempt(walk, `the pulses of ${author}`, async () => {
      const ending = await walkList(walk, {
        from,
        author,
        at: (cursor, place) => withPlace(cursor, author, place),
        ended: (cursor, { since, begun }, how) =>
          how === 'whole'
            ? without(cursor, author)
            : withPlace(cursor, author, { since, begun, offset: 0 }),
      })
      if (ending === 'shifting') throw shiftingList()
    })
  }
}

function withPlace({ authors = [], ...rest }: WalkCursor, author: string, place: ListPlace) {
  const at = (one: ListPlace & { readonly author: string }) =>
    one.author === author ? { ...place, author } : one
  return { ...rest, authors: authors.map(at) }
}

function without({ authors, ...rest }: WalkCursor, author: string): WalkCursor {
  const others = authors?.filter((one) => one.author !== author) ?? []
  return others.length > 0 ? { ...rest, authors: others } : rest
}
