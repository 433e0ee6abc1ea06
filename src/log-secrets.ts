/**
 * Keeps secrets out of what is logged, whoever logs it: by the names under which they stand, at any depth;
 * by what an error tells of itself; and by their form, wherever in a text.
 */

const blot = '[secret]'

// Names of the service's own objects, of headers, of pg's and undici's.
const secretNames =
  /authorization|cookie|passw|passphrase|secret(?!s?$)|^secret$|token$|key$|credential|sealed|digest|hash$|databaseurl|connectionstring|^(params|parameters|cert|pfx|headers|rawheaders)$/i

/** What an error may tell. Its rows and parameters are none of it: pg's `detail` shows a whole row. */
const toldOfErrors = [
  ...['code', 'errno', 'syscall', 'hostname', 'address', 'port', 'statusCode', 'status', 'path'],
  ...['severity', 'routine', 'schema', 'table', 'column', 'dataType', 'constraint', 'position'],
  ...['validation', 'validationContext', 'retryable'],
]

const maxDepth = 6
const maxItems = 100

/**
 * A copy that may be logged. Requests and responses are left to their serializers, which tell neither headers
 * nor bodies.
 */
export function withoutSecrets(logged: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const seen = new Set<object>()
  return Object.fromEntries(
    Object.entries(logged).map(([name, value]) => [
      name,
      name === 'req' || name === 'res' ? value : copyNamed(name, value, 0, seen),
    ]),
  )
}

function copyNamed(name: string, value: unknown, depth: number, seen: Set<object>): unknown {
  // Only what can hold a secret: a count of tokens is none.
  const canHold = typeof value === 'string' || (typeof value === 'object' && value !== null)
  return canHold && secretNames.test(name) ? blot : copy(value, depth, seen)
}

function copy(value: unknown, depth: number, seen: Set<object>): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof URL) return value.href
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (depth >= maxDepth || seen.has(value)) return '[…]'
  seen.add(value)
  try {
    if (value instanceof Error) return copyError(value, depth, seen)
    if (Array.isArray(value) || value instanceof Set) {
      return [...value].slice(0, maxItems).map((one) => copy(one, depth + 1, seen))
    }
    const entries = value instanceof Map ? [...value] : Object.entries(value)
    return Object.fromEntries(
      entries.slice(0, maxItems).map(([name, one]) => {
        return [String(name), copyNamed(String(name), one, depth + 1, seen)]
      }),
    )
  } finally {
    // What stands in two places is told in both; a circle is not.
    seen.delete(value)
  }
}

/** Without a prototype, so that pino's own serializer of errors takes it as it is. */
function copyError(error: Error, depth: number, seen: Set<object>): object {
  const told = Object.create(null) as Record<string, unknown>
  told.type = error.constructor?.name || error.name
  told.message = String(error.message)
  told.stack = String(error.stack)
  const all = error as Error & Record<string, unknown>
  for (const name of toldOfErrors) {
    if (all[name] !== undefined) told[name] = copyNamed(name, all[name], depth + 1, seen)
  }
  if (error.cause !== undefined) told.causedBy = copy(error.cause, depth + 1, seen)
  if (error instanceof AggregateError) told.errors = copy(error.errors, depth + 1, seen)
  return told
}

// A line is looked through as the JSON that it is: what stands behind a line break there follows a letter.
const forms: readonly (readonly [RegExp, string])[] = [
  // Userinfo of URLs, passwords with "@" and "/" too.
  [/(?<=:\/\/)[^\s"'<>\\/@]{0,256}:[^\s"'<>\\]{0,512}@/g, `${blot}@`],
  [/(?<=:\/\/)[^\s"'<>\\/@]{1,256}@/g, `${blot}@`],
  [/(?:\b|(?<=\\[bfnrt]))(Basic|Bearer) +[\w+/=.~-]{16,}/gi, `$1 ${blot}`],
  [/(?:\b|(?<=\\[bfnrt]))Basic +(?=[\w+/]*[\dA-Z+/=])[\w+/]{6,}={0,2}/g, `Basic ${blot}`],
  // From where the run of its letters begins, so that each is gone over once and not from each "eyJ" in it.
  [/(?:(?<![\w-])|(?<=\\[bfnrt]))(?=(?:[\w-]*-)?eyJ[\w-]{4})[\w-]+\.[\w-]+\.[\w-]*/g, blot],
  [/(?:\b|(?<=\\[bfnrt]))taxiway_[\w-]{43}/g, blot],
  [/(?:\b|(?<=\\[bfnrt]))scrypt\$[\w$-]+/g, blot],
  // One that is cut short ends with the text that it stands in: the rest of a line of JSON stays.
  [
    /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^"\\]|\\.)*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?=\\?")|$)/g,
    blot,
  ],
]

/** The text without whatever has the form of a secret. */
export function blotOut(text: string): string {
  return forms.reduce((blotted, [form, by]) => blotted.replace(form, by), text)
}

/** An unexpected error for people: where it came from, and nothing that it carries along. */
export function errorToText(error: unknown): string {
  if (!(error instanceof Error)) return blotOut(String(error))
  const { code } = error as { code?: unknown }
  const text = `${error.stack ?? error.message}${code === undefined ? '' : ` (${String(code)})`}`
  const { cause } = error
  return blotOut(cause === undefined ? text : `${text}\ncaused by: ${errorToText(cause)}`)
}
