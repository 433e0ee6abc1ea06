import {
  countCharacters,
  decodeReferences,
  isBlank,
  isNameStart,
  isSpace,
  oddCharacters,
} from './characters.ts'
import {
  createStrictReader,
  type Encoding,
  isDeclarable,
  XmlError,
  type XmlHandlers,
  XmlLimitExceeded,
  type XmlReader,
} from './parser.ts'
import { outermostScope, readStartTag, type Scope } from './start-tag.ts'
import { escapeAttribute } from './write.ts'

/**
 * Reads XML 1.0 with namespaces as strictly as `createStrictReader`, and several times as fast: here is read what
 * nearly all documents consist of, as long as it is plainly well-formed. From the first place on that is anything
 * else, be it wrong or only rare (names beyond ASCII, carriage returns, processing instructions, long texts), the
 * strict reader goes on: what is refused, it refuses, in its own words.
 * @param encoding that the bytes were decoded by
 * @param mostWaiting of what is cut short at the end of a write, in characters, for the next one to complete
 */
export function createXmlReader(
  encoding: Encoding,
  handlers: XmlHandlers,
  mostWaiting = 16_384,
): XmlReader {
  let strict: XmlReader | undefined
  // What was written and is not let go; read up to `at`.
  let text = ''
  let at = 0
  // Where `text` begins.
  let position = 0
  let lines = 1
  let columns = 0
  // The first that is not counted in `lines`.
  let newline = -1
  // What waited at the ends of writes, all together: so much was read in vain.
  let inVain = 0
  let hasRoot = false
  let isReading = false
  let scope: Scope = outermostScope
  const open: OpenTag[] = []

  function line(): number {
    if (strict) return strict.line()
    while (newline >= 0 && newline < at) {
      lines += 1
      newline = text.indexOf('\n', newline + 1)
    }
    return lines
  }

  function column(): number {
    const begin = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
    return countCharacters(text, begin, at) + (begin === 0 ? columns : 0)
  }

  function letGo(): void {
    line()
    columns = column()
    position += at
    text = text.slice(at)
    at = 0
  }

  function takeOver(): void {
    if (hasRoot) letGo()
    const within = hasRoot ? spellOpen(open) : ''
    strict = createStrictReader(encoding, handlers, { within, position, lines, columns })
    const rest = text
    text = ''
    strict.write(rest)
  }

  /** What is refused is behind all that was written, unless a handler refuses what it is told of. */
  function passWaiting(): void {
    if (!isReading) at = text.length
  }

  function read(): Outcome {
    isReading = true
    let outcome: Outcome = 'read'
    while (at < text.length && outcome === 'read') {
      outcome = text.charCodeAt(at) === lessThan ? readMarkup() : readText()
    }
    isReading = false
    return outcome
  }

  function readText(): Outcome {
    const end = text.indexOf('<', at)
    const written = text.slice(at, end < 0 ? undefined : end)
    if (open.length === 0 && !isBlank(written)) return 'odd'
    if (end < 0) return 'wait'
    if (open.length === 0) {
      at = end
      return 'read'
    }
    const piece = written.includes('&') ? decodeReferences(written) : written
    if (piece === undefined || written.includes(']]>')) return 'odd'
    // The strict reader tells of a text when it has read the `<` behind it.
    at = end + 1
    handlers.text(piece)
    at = end
    return 'read'
  }

  function readMarkup(): Outcome {
    const next = text.charCodeAt(at + 1)
    if (isNameStart(next)) return openTag()
    if (next === slash) return readEndTag()
    if (next === questionMark && at === 0 && !hasRoot) return readDeclaration()
    if (next !== exclamation) return Number.isNaN(next) ? 'wait' : 'odd'
    if (text.startsWith('<!--', at)) return readComment()
    if (open.length > 0 && text.startsWith('<![CDATA[', at)) return readCdata()
    return text.length - at < '<![CDATA['.length ? 'wait' : 'odd'
  }

  function openTag(): Outcome {
    if (open.length === 0 && hasRoot) return 'odd'
    const tag = readStartTag(text, at, scope)
    if (typeof tag === 'string') return tag
    at = tag.nameEnd + 1
    handlers.begin()
    if (handlers.attribute) {
      for (const end of tag.attributeEnds) {
        at = end
        handlers.attribute()
      }
    }
    at = tag.end
    hasRoot = true
    handlers.open(tag.element)
    if (tag.isEmpty) {
      handlers.close()
      return 'read'
    }
    open.push({ name: tag.name, declares: tag.element.declares, outer: scope })
    scope = tag.scope
    return 'read'
  }

  function readEndTag(): Outcome {
    const tag = open.at(-1)
    if (!tag) return 'odd'
    let end = at + 2 + tag.name.length
    if (end >= text.length) return tag.name.startsWith(text.slice(at + 2)) ? 'wait' : 'odd'
    if (!text.startsWith(tag.name, at + 2)) return 'odd'
    while (isSpace(text.charCodeAt(end))) end += 1
    if (end >= text.length) return 'wait'
    if (text.charCodeAt(end) !== greaterThan) return 'odd'
    at = end + 1
    open.pop()
    scope = tag.outer
    handlers.close()
    return 'read'
  }

  function readDeclaration(): Outcome {
    if (!text.includes('?>')) return 'wait'
    const [whole, , name] = declaration.exec(text) ?? []
    if (whole === undefined) return 'odd'
    if (name !== undefined && !isDeclarable(name, encoding)) return 'odd'
    at = whole.length
    return 'read'
  }

  function readComment(): Outcome {
    const end = text.indexOf('--', at + 4)
    if (end < 0 || end + 2 >= text.length) return 'wait'
    if (text.charCodeAt(end + 2) !== greaterThan) return 'odd'
    at = end + 3
    return 'read'
  }

  function readCdata(): Outcome {
    const begin = at + '<![CDATA['.length
    const end = text.indexOf(']]>', begin)
    if (end < 0) return 'wait'
    at = end + 3
    handlers.text(text.slice(begin, end))
    return 'read'
  }

  return {
    write(more) {
      if (strict) {
        strict.write(more)
        return
      }
      // Before the root nothing is told of, and all of it is kept: the strict reader would begin at the beginning.
      if (hasRoot) letGo()
      text += more
      newline = text.indexOf('\n')
      const isOdd = oddCharacters.test(more) || read() === 'odd'
      const waits = text.length - (hasRoot ? at : 0)
      inVain += waits
      // What is long and cut short here is not to be looked at again with each piece.
      const isInVain = inVain > mostWaiting + mostInVain * (position + text.length)
      if (isOdd || waits > mostWaiting || isInVain) takeOver()
    },
    close() {
      const isWhole = hasRoot && open.length === 0 && isBlank(text.slice(at))
      if (!strict && !isWhole) takeOver()
      strict?.close()
    },
    refuse(reason) {
      if (strict) return strict.refuse(reason)
      passWaiting()
      throw new XmlError(reason, line(), column(), handlers.root())
    },
    exceed(reason) {
      if (strict) return strict.exceed(reason)
      passWaiting()
      throw new XmlLimitExceeded(reason, line(), column(), handlers.root())
    },
    position: () => strict?.position() ?? position + at,
    line,
  }
}

// To one character of the document. A text as long as may wait stays below it in pieces of a packet's size.
const mostInVain = 8

/** `wait`: what begins here does not end in what was written until now; `odd`: the strict reader is to read it. */
type Outcome = 'read' | 'wait' | 'odd'

interface OpenTag {
  readonly name: string
  readonly declares: Readonly<Record<string, string>> | undefined
  /** that of its parent */
  readonly outer: Scope
}

/** Puts the strict reader where these are open; none: behind the root. */
function spellOpen(tags: readonly OpenTag[]): string {
  if (tags.length === 0) return '<root/>'
  return tags
    .map(({ name, declares = {} }) => {
      const declarations = Object.entries(declares).map(
        ([prefix, uri]) => ` xmlns${prefix && ':'}${prefix}="${escapeAttribute(uri)}"`,
      )
      return `<${name}${declarations.join('')}>`
    })
    .join('')
}

const declaration =
  /^<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(["'])([A-Za-z][A-Za-z0-9._-]*)\1)?(?: standalone=(?:"yes"|"no"))?[ \t\n]*\?>/

const lessThan = 0x3c
const greaterThan = 0x3e
const slash = 0x2f
const exclamation = 0x21
const questionMark = 0x3f
