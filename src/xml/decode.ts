import type { Encoding } from './parser.ts'

export interface Decoded {
  readonly text: string
  /** false: right behind `text` stands what no text is encoded as, or the end within a character */
  readonly isValid: boolean
}

/**
 * @returns what decodes one chunk after another, characters in two chunks included; undefined ends them. After
 *   what is not valid it is not to be called again.
 */
export function createStrictDecoder(
  encoding: Encoding,
): (bytes: Uint8Array | undefined) => Decoded {
  const decoder = new TextDecoder(encoding, { fatal: true })
  let last: Uint8Array = new Uint8Array()
  let seen = 0
  return (bytes) => {
    try {
      const text = bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode()
      if (bytes) {
        last = Buffer.concat([last.subarray(-3), bytes.subarray(-3)]).subarray(-3)
        seen += bytes.length
      }
      return { text, isValid: true }
    } catch {
      const begun = findBegun(last, seen, encoding)
      return {
        text: decodeValid(Buffer.concat([begun, bytes ?? begun.subarray(0, 0)]), encoding),
        isValid: false,
      }
    }
  }
}

/** @returns the last bytes, if they are the beginning of a character */
function findBegun(last: Uint8Array, seen: number, encoding: Encoding): Uint8Array {
  for (const length of [3, 2, 1]) {
    if (length > last.length || (encoding !== 'utf-8' && length % 2 !== seen % 2)) continue
    const bytes = last.subarray(-length)
    if (tryDecode(bytes, encoding) === '') return bytes
  }
  return new Uint8Array()
}

/** The text of as many bytes as are valid. */
function decodeValid(bytes: Uint8Array, encoding: Encoding): string {
  let text = ''
  let valid = 0
  for (let invalid = bytes.length + 1; invalid - valid > 1; ) {
    const middle = Math.floor((valid + invalid) / 2)
    const decoded = tryDecode(bytes.subarray(0, middle), encoding)
    if (decoded === undefined) {
      invalid = middle
    } else {
      valid = middle
      text = decoded
    }
  }
  return text
}

function tryDecode(bytes: Uint8Array, encoding: Encoding): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}
