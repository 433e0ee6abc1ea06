import { formatTable } from './table.ts'

export interface Listing<T> {
  readonly headings: readonly string[]
  readonly toRow: (one: T) => readonly (string | number)[]
  /** printed in the place of a table without rows */
  readonly none?: string
}

/** Prints a list: for scripts each page as it comes, for people a table when all is there. */
export async function printList<T>(
  pages: AsyncIterable<readonly T[]>,
  json: boolean | undefined,
  { headings, toRow, none }: Listing<T>,
): Promise<void> {
  const rows: (readonly (string | number)[])[] = []
  for await (const page of pages) {
    if (json) for (const one of page) console.log(JSON.stringify(one))
    else rows.push(...page.map(toRow))
  }
  if (json) return
  console.log(rows.length === 0 && none !== undefined ? none : formatTable(headings, rows))
}
