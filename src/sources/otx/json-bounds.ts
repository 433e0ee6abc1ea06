const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/** Real pages nest 6 deep. */
const maxDepth = 64
/** A page of 100,000 indicators has 1.6 million. */
const maxValues = 4_000_000

/**
 * Looks through JSON before it is parsed: a few million brackets are a small body and gigabytes of objects.
 * Anything that is no JSON may pass; the parser finds that.
 */
export function findJsonExcess(json: Uint8Array): 'too-deep' | 'too-many-values' | undefined {
  let depth = 0
  let values = 0
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]
    if (byte === quote) i = endOfString(json, i)
    else if (byte === comma) values++
    else if (byte === 0x5b || byte === 0x7b) {
      values++
      if (++depth > maxDepth) return 'too-deep'
    } else if (byte === 0x5d || byte === 0x7d) depth--
    if (values > maxValues) return 'too-many-values'
  }
  return undefined
}

/** @returns where the string that begins at `start` has its closing quote */
function endOfString(json: Uint8Array, start: number): number {
  let i = start + 1
  while (i < json.length && json[i] !== quote) i += json[i] === backslash ? 2 : 1
  return i
}
