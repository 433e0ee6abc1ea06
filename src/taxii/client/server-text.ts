/** Characters of one text of a server in what people read. */
export const maxToldLength = 300
/** Characters of a message or a line of advice that texts of a server are part of. */
export const maxMessageLength = 1_000
/** Characters of one text in the objects of `--json`. */
export const maxJsonTextLength = 65_536

/**
 * Cuts a text of the server, which may be of any length, before it becomes part of a message or is kept.
 * What is too long loses its middle to an ellipsis, and what is returned keeps no whole answer alive.
 * @param most characters, the ellipsis included
 */
export function cutText(text: string, most: number = maxToldLength): string {
  if (text.length <= most) return Buffer.from(text).toString()
  const tail = Math.floor(most / 4)
  return Buffer.from(
    `${text.slice(0, most - tail - 1)}…${text.slice(text.length - tail)}`,
  ).toString()
}

/** `a, b, c and 4 more`, each cut. */
export function nameSome(names: readonly string[], most = 20): string {
  const rest = names.length - most
  const named = names.slice(0, most).map((name) => cutText(name, 100))
  return named.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
