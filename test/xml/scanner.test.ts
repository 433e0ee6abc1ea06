import t from 'tap'
import {
  createStrictReader,
  XmlError,
  type XmlHandlers,
  type XmlReader,
} from '../../src/xml/parser.ts'
import { createXmlReader } from '../../src/xml/scanner.ts'
import { createRandom, type Random } from '../faults/feed-random.ts'
import { makeCase } from '../faults/xml-cases.ts'

type Create = (encoding: 'utf-8', handlers: XmlHandlers) => XmlReader

/** What a reader tells of a document, and where; of texts, those that follow each other joined. */
function eventsOf(create: Create, pieces: readonly string[]): readonly string[] {
  const events: string[] = []
  let text = ''
  let depth = 0
  const tell = (event: string) => {
    if (text !== '') events.push(`text ${text}`)
    text = ''
    events.push(event)
  }
  const reader: XmlReader = create('utf-8', {
    root: () => undefined,
    begin: () => tell(`begin at ${reader.position()}`),
    attribute: () => tell('attribute'),
    open(element) {
      depth += 1
      tell(`open ${JSON.stringify(element)} at ${reader.position()}, line ${reader.line()}`)
    },
    text(piece) {
      if (depth > 0) text += piece
    },
    close() {
      depth -= 1
      tell(`close at ${reader.position()}, line ${reader.line()}`)
    },
  })
  try {
    for (const piece of pieces) reader.write(piece)
    reader.close()
    tell('end')
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    tell(error.message)
  }
  return events
}

const seed = 20_261_122
const known = { collections: ['all'], inboxes: ['pushed'] }

const morsels = [
  ...[
    '<',
    '>',
    '/',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    '\t',
    '\r\n',
    '&',
    ';',
    ':',
    '!',
    '-',
    '?',
    ']',
    '[',
    'x',
    'ä',
    '😀',
    '\u0001',
    '\ufffe',
  ],
  ...[
    '&amp;',
    '&#10;',
    '&#x1F600;',
    '&#0;',
    '&lt',
    '&b;',
    '<!-- a -->',
    '<!-- a -- b -->',
    '<![CDATA[<&]]>',
    ']]>',
    '<?pi a?>',
  ],
  ...[
    '<a/>',
    '<a>',
    '</a>',
    '<a b="c"/>',
    '<a b="c" b="d"/>',
    "<a b = 'c\"\n' />",
    '<a b="c"d="e"/>',
    '<a b="<"/>',
    '<é/>',
    '<b:a/>',
  ],
  ...[
    ' xmlns=""',
    ' xmlns:b=""',
    ' xmlns:b="u"',
    ' xmlns:xml="u"',
    ' xmlns:c=" u "',
    ' xmlns:xmlns="u"',
    ' xml:lang="de"',
    ' b:c="d"',
  ],
  ...[
    '<a xmlns:b="u" xmlns:c="u" b:d="" c:d=""/>',
    '<a:b:c/>',
    '<:a/>',
    '<a:/>',
    '<!DOCTYPE a>',
    '<!a',
    'a="&quot;&#9;"',
  ],
] as const

function isAlike(one: readonly string[], other: readonly string[]): boolean {
  return one.join('\n') === other.join('\n')
}

function spoil(text: string, random: Random): string {
  let spoiled = text
  for (let times = random.below(3); times > 0; times -= 1) {
    const at = random.below(spoiled.length + 1)
    const cut = random.below(3) === 0 ? random.below(6) : 0
    const morsel = random.below(5) === 0 ? '' : (morsels[random.below(morsels.length)] as string)
    spoiled = spoiled.slice(0, at) + morsel + spoiled.slice(at + cut)
  }
  return spoiled.toWellFormed()
}

function inPieces(text: string, random: Random): readonly string[] {
  const pieces: string[] = []
  const most = [1, 7, 60, 1_000, 1_000_000][random.below(5)] as number
  for (let at = 0; at < text.length; ) {
    const length = 1 + random.below(most)
    pieces.push(text.slice(at, at + length))
    at += length
  }
  return pieces
}

t.test('what is read fast is read as the strict reader reads it, errors and places too', (t) => {
  const random = createRandom(seed)
  let accepted = 0
  let refused = 0
  for (let number = 0; number < 2_500; number += 1) {
    const body = makeCase(seed, number >> 1, known)
      .body.toString()
      .replace(/^\ufeff/, '')
    const document = number % 2 === 0 ? body : `<?xml version='1.0'?>\n${body}`
    if (document.length > 50_000 || !document.startsWith('<')) continue
    const text = spoil(document, random)
    const pieces = inPieces(text, random)
    const fast = eventsOf(createXmlReader, pieces)
    // Of text outside of the root the strict reader tells at the end of a piece.
    const whole = eventsOf(createStrictReader, [text])
    const strict = isAlike(whole, fast) ? whole : eventsOf(createStrictReader, pieces)
    if (fast.at(-1) === 'end') accepted += 1
    else refused += 1
    if (!isAlike(strict, fast)) t.strictSame(fast, strict, JSON.stringify(text))
  }
  t.ok(accepted > 300, `${accepted} accepted`)
  t.ok(refused > 300, `${refused} refused`)
  t.end()
})

t.test('what comes in tiny pieces is not read again with each of them', (t) => {
  const begun: string[] = []
  const reader = createXmlReader('utf-8', {
    root: () => undefined,
    begin: () => begun.push('begin'),
    open: ({ attributes }) => begun.push(`open with ${attributes.length}`),
    text: () => {},
    close: () => {},
  })
  for (const piece of '<a b="">') reader.write(piece)
  t.strictSame(begun, ['begin', 'open with 1'], 'a short tag may come so')
  // Of a tag that has not ended the strict reader alone tells.
  for (const piece of `<c d="${' '.repeat(4_000)}`) reader.write(piece)
  t.strictSame(begun.slice(2), ['begin'])
  for (const piece of '"/></a>') reader.write(piece)
  reader.close()
  t.strictSame(begun.slice(3), ['open with 1'])
  t.end()
})

t.test('an end tag that is another one is refused before what comes behind it', (t) => {
  const nothing = () => {}
  const handlers = { begin: nothing, open: nothing, text: nothing, close: nothing }
  const reader = createXmlReader('utf-8', { root: () => undefined, ...handlers })
  reader.write('<abcdef></abc')
  t.throws(() => reader.write('>'), { message: 'line 1, column 14: unexpected close tag.' })
  t.end()
})
