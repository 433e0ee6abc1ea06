import { ValidationFailed } from './errors.ts'

const maxDepth = 64

/**
 * Reads a body so that it means to us what it means to everyone: JSON readers disagree on a name that is
 * given twice, and on bytes that are no UTF-8.
 * @returns undefined for an empty body
 * @throws ValidationFailed
 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined
  const text = decode(body)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // What Node says quotes a piece of the text, which may be a password.
    const position = /position (\d+)/.exec((error as Error).message)?.[1]
    const where = position === undefined ? '' : ` at its character ${Number(position) + 1}`
    throw refuse('', `is no JSON${where}`)
  }
  refuseOddities(text)
  return value
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw refuse('', 'must be UTF-8')
  }
}

interface Level {
  /** of an object; undefined: an array */
  readonly names: Set<string> | undefined
  place: string | number
}

/** @param text JSON that has been read already, so that its tokens need no check */
function refuseOddities(text: string): void {
  const levels: Level[] = []
  let awaitsName = false
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const top = levels.at(-1)
    if (token === '{' || token === '[') {
      levels.push({ names: token === '{' ? new Set() : undefined, place: 0 })
      awaitsName = token === '{'
      if (levels.length > maxDepth) throw refuse('', `is deeper than ${maxDepth} levels`)
    } else if (token === '}' || token === ']') {
      levels.pop()
      awaitsName = false
    } else if (token === ',') {
      if (top && typeof top.place === 'number') top.place += 1
      awaitsName = top?.names !== undefined
    } else if (awaitsName && top?.names) {
      const name = JSON.parse(token) as string
      // Only of a fault: names above may be long, and those below many.
      const place = () => pointer([...levels.slice(0, -1).map((level) => level.place), name])
      if (top.names.has(name)) throw refuse(place(), 'is given twice')
      if (name === '__proto__') throw refuse(place(), 'is not known here')
      top.names.add(name)
      top.place = name
      awaitsName = false
    }
  }
}

/** RFC 6901. */
export function pointer(places: readonly (string | number)[]): string {
  return places
    .map((place) => `/${String(place).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
}

function refuse(place: string, message: string): ValidationFailed {
  return new ValidationFailed([{ place: place.slice(0, 200), message }])
}
