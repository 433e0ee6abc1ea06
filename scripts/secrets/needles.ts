import type { NotedSecret } from './evidence.ts'

/** What to look for: a form of a secret, and which secret it is of. */
export interface Needle {
  readonly bytes: Buffer
  readonly form: string
  readonly secret: NotedSecret
}

/** Shorter ones would be met by chance, and the search skips by as much. */
export const shortestNeedle = 12
const pieceLength = 16

/**
 * The forms in which a secret may stand somewhere: as it is, in base64 (also in the middle of something
 * longer, such as name and password of HTTP Basic), in hexadecimal (PostgreSQL's bytea), percent-encoded,
 * escaped for JSON and for XML. Of a random one also a part is looked for, since text may be cut off.
 */
export function secretToNeedles(secret: NotedSecret): Needle[] {
  const texts = new Map<string, string>()
  const add = (text: string, form: string) => {
    if (text.length >= shortestNeedle && !texts.has(text)) texts.set(text, form)
  }
  const { value } = secret
  const pieces = secret.random
    ? (value.match(/[A-Za-z0-9]{12,}/g) ?? []).flatMap((run) => [
        run.slice(0, pieceLength),
        run.slice(-pieceLength),
      ])
    : []
  add(value, 'as it is')
  for (const piece of pieces) add(piece, 'in part')
  for (const text of [value, ...pieces]) {
    const bytes = Buffer.from(text)
    for (const base64 of base64Forms(bytes)) {
      add(base64, 'in base64')
      add(base64.replaceAll('+', '-').replaceAll('/', '_'), 'in base64url')
    }
    add(bytes.toString('hex'), 'in hexadecimal')
    add(bytes.toString('hex').toUpperCase(), 'in hexadecimal')
  }
  add(encodeURIComponent(value), 'percent-encoded')
  add(new URLSearchParams({ '': value }).toString().slice(1), 'percent-encoded')
  const json = JSON.stringify(value).slice(1, -1)
  add(json, 'escaped for JSON')
  add(escapeBeyondAscii(json), 'escaped for JSON')
  add(escapeXml(value), 'escaped for XML')
  return [...texts].map(([text, form]) => ({ bytes: Buffer.from(text), form, secret }))
}

/**
 * What of the bytes' base64 does not depend on what stands before and behind them: three forms, by where
 * in a group of three bytes they begin.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const all = Buffer.concat([Buffer.alloc(before), bytes])
    const first = Math.ceil((before * 8) / 6)
    const last = Math.floor((all.length * 8) / 6)
    return all.toString('base64').slice(first, last)
  })
}

function escapeBeyondAscii(text: string): string {
  return text.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
