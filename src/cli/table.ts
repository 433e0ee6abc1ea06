/** Prints rows under headings in columns as wide as they need; a cell's control characters are made visible. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = [headings, ...rows].map((row) => row.map((cell) => printable(String(cell))))
  const widths = headings.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  )
  return cells
    .map((row, line) =>
      row
        .map((cell, column) => {
          const isNumber = line > 0 && typeof rows[line - 1]?.[column] === 'number'
          const width = widths[column] ?? 0
          return isNumber ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What came from outside must not move the cursor or colour the screen. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) as number
    return `\\u{${code.toString(16)}}`
  })
}
