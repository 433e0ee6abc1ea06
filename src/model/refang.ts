/*
 * Analysts write live indicators so that nobody clicks on them: hxxp://evil[.]com, john[at]evil.com.
 * A feed must carry them as they are on the wire.
 */

const dots = /\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\}|\\\./gi
const ats = /\[@\]|\(@\)|\[at\]|\(at\)|\{at\}/gi
const brackets = /[[({\\]/

export function refangHost(text: string): string {
  return brackets.test(text) ? text.replace(dots, '.').replaceAll('[:]', ':') : text
}

export function refangEmail(text: string): string {
  return brackets.test(text) ? text.replace(dots, '.').replace(ats, '@') : text
}

const liveScheme = /^(?:https?|ftp):\/\//i
const scheme = /^(h[tx*]{2}ps?|f[tx]p)(?:(?:\[:\]|:)\/\/|\[:\/\/\])/i

/** Whether the text opens with http://, https:// or ftp://, defanged or not. */
export function hasWebScheme(text: string): boolean {
  return liveScheme.test(text) || scheme.test(text)
}

export function refangUrl(text: string): string {
  let front = liveScheme.exec(text)?.[0] ?? ''
  let rest = text.slice(front.length)
  let defanged = false
  if (front === '') {
    const match = scheme.exec(text)
    if (match) {
      front = `${liveName(match[1] as string)}://`
      rest = text.slice(match[0].length)
      defanged = true
    }
  }
  if (!defanged && !brackets.test(rest)) return text
  const end = rest.search(/[/?#]/)
  const authority = end < 0 ? rest : rest.slice(0, end)
  const tail = end < 0 ? '' : rest.slice(end)
  const host = refangHost(authority)
  // "[.]" may be part of a live path; it stands for a dot only where the URL is known to be defanged.
  const live = defanged || host !== authority ? tail.replaceAll('[.]', '.') : tail
  return `${front}${host}${live}`
}

function liveName(name: string): string {
  const lower = name.toLowerCase()
  if (lower.startsWith('f')) return 'ftp'
  return lower.endsWith('s') ? 'https' : 'http'
}
