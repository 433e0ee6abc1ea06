import t from 'tap'
import { type XmlElement, XmlError } from '../../src/xml/parser.ts'
import { readXml } from '../../src/xml/read.ts'
import { readXmlStream, type XmlStreamLimits } from '../../src/xml/stream.ts'

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function readAll(
  xml: string | Uint8Array,
  size = 65_536,
  limits: Partial<XmlStreamLimits> = {},
) {
  const children: XmlElement[] = []
  let root: XmlElement | undefined
  for await (const piece of readXmlStream(inPieces(Buffer.from(xml), size), limits)) {
    root = piece.root
    if (piece.child) children.push(piece.child)
  }
  return { root, children }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof XmlError) return error.message
    throw error
  }
  return 'it was accepted'
}

const document =
  '<?xml version="1.0" encoding="UTF-8"?><!-- x -->\r\n<p:a xmlns:p="one" p:b="ä😀">\n' +
  '<p:c d="1">t<!-- no -->e<![CDATA[<x>&]]>xt &amp;<e xmlns="two"/></p:c> <f/><?pi?>\n' +
  '<p:g xmlns:p="three">\u{10ffff}</p:g></p:a>\n'

t.test('a stream gives what the whole document gives, wherever it is cut', async (t) => {
  for (const bytes of [
    Buffer.from(document),
    Buffer.from(`\ufeff${document}`),
    Buffer.from(`\ufeff${document.replace('UTF-8', 'UTF-16')}`, 'utf16le'),
  ]) {
    const whole = readXml(bytes)
    for (const size of [1, 2, 3, 7, 64, 10_000]) {
      const { root, children } = await readAll(bytes, size)
      t.strictSame(children, whole.children, `in pieces of ${size}`)
      t.strictSame(root?.attributes, whole.attributes)
      t.strictSame(root?.children, [], 'the root keeps none of its children')
    }
  }
})

t.test('children are handed on before the document has ended', async (t) => {
  let ended = false
  async function* slowly() {
    yield Buffer.from('<a><b/>')
    yield Buffer.from('<c/>')
    ended = true
    yield Buffer.from('</a>')
  }
  const seen: string[] = []
  for await (const { child } of readXmlStream(slowly())) {
    if (child) seen.push(`${child.name} ${ended}`)
  }
  t.strictSame(seen, ['b false', 'c false'])
})

t.test('what is not well-formed is refused with its place, after what came before', async (t) => {
  for (const size of [1, 1000]) {
    const seen: string[] = []
    const work = async () => {
      const chunks = inPieces(Buffer.from('<a>\n<b/>\n<c></d></a>'), size)
      for await (const { child } of readXmlStream(chunks)) if (child) seen.push(child.name)
    }
    t.equal(await refusal(work()), 'line 3, column 7: unexpected close tag.')
    t.strictSame(seen.slice(0, 1), ['b'])
  }
})

const refused: [what: string, xml: string | Uint8Array, says: RegExp][] = [
  ['an empty document', '', /no root|root element/],
  ['one byte', '<', /root/],
  ['one that breaks off', '<a><b/>', /unclosed tag: a/],
  ['two roots', '<a/><b/>', /one root/],
  ['text after the root', '<a/>x', /outside of root/],
  ['a DOCTYPE', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', /DOCTYPE/],
  ['an unknown entity', '<a><b>&nbsp;</b></a>', /undefined entity/],
  ['an undeclared prefix', '<a><x:b/></a>', /unbound namespace prefix/],
  ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>', /ISO-8859-1/],
  ['bytes that are not UTF-8', Buffer.from('<a>\xe4</a>', 'latin1'), /not valid UTF-8/],
  ['half a character at the end', Buffer.from('<a/>\xe4', 'latin1'), /not valid UTF-8/],
]
for (const [what, xml, says] of refused) {
  t.test(`${what} is refused`, async (t) => {
    for (const size of [1, 1000]) t.match(await refusal(readAll(xml, size)), says)
  })
}

t.test(
  'bytes that are no text are told with their place, and what came before them counts',
  async (t) => {
    const cases: [Buffer, string][] = [
      [Buffer.from('<a b="1">\nä<c/>\xff</a>', 'latin1'), 'line 2, column 0'],
      [
        Buffer.concat([Buffer.from('<a b="1">\nä<c/>'), Buffer.from([0xf0, 0x9f, 0x41])]),
        'line 2, column 5',
      ],
      [
        Buffer.concat([Buffer.from('<a b="1"><c/>'), Buffer.from([0xe2, 0x82])]),
        'line 1, column 13',
      ],
      [
        Buffer.concat([
          Buffer.from('\ufeff<a b="1">😀', 'utf16le'),
          Buffer.from([0x00, 0xdc, 0x41, 0]),
        ]),
        'line 1, column 10',
      ],
    ]
    for (const [bytes, place] of cases) {
      for (const size of [1, 2, 3, 5, 1000]) {
        try {
          await readAll(bytes, size)
          t.fail('it was accepted')
        } catch (error) {
          if (!(error instanceof XmlError)) throw error
          t.match(error.message, /not valid UTF-(8|16LE)/)
          t.ok(error.message.startsWith(`${place}:`), `${error.message} in pieces of ${size}`)
          t.strictSame(error.root?.attributes, [{ namespace: '', name: 'b', value: '1' }])
        }
      }
    }
  },
)

t.test('a start tag is bounded, whatever makes it long', async (t) => {
  const limits = { maxTagLength: 100 }
  const attributes = Array.from({ length: 20 }, (_, n) => `c${n}="x"`).join(' ')
  for (const long of [
    `<a b="${'x'.repeat(120)}"/>`,
    `<a><b c="${'x'.repeat(120)}"/></a>`,
    `<a><b ${attributes}/></a>`,
    `<a><b${' '.repeat(120)}/></a>`,
    `<a b="${'x'.repeat(120)}`,
  ]) {
    for (const size of [10, 1000]) {
      t.match(await refusal(readAll(long, size, limits)), /start tag is longer than 100/)
    }
  }
  const short = `<a>${'<b c="x"/>'.repeat(50)}${'x'.repeat(500)}</a>`
  t.equal((await readAll(short, 64, limits)).children.length, 50)
})

t.test('depth is bounded', async (t) => {
  const nested = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`
  t.equal((await readAll(nested(256))).children.length, 1)
  t.match(await refusal(readAll(nested(257))), /nested deeper than 256/)
})

t.test('the length of one child is bounded, not that of the document', async (t) => {
  const limits = { maxPieceLength: 100 }
  const child = `<b>${'x'.repeat(80)}</b>`
  t.equal((await readAll(`<a>${child.repeat(1000)}</a>`, 333, limits)).children.length, 1000)
  for (const long of [
    `<a><b>${'x'.repeat(101)}</b></a>`,
    `<a>${' '.repeat(101)}<b/></a>`,
    `<a><!--${'x'.repeat(101)}--><b/></a>`,
    `<a><b c="${'x'.repeat(101)}"/></a>`,
    `${' '.repeat(101)}<a/>`,
    `<a ${'b'.repeat(101)}`,
  ]) {
    for (const size of [10, 1000]) {
      t.match(await refusal(readAll(long, size, limits)), /longer than 100 characters/)
    }
  }
})

t.test('elements and attributes of one child are bounded', async (t) => {
  const limits = { maxPieceNodes: 10 }
  t.equal((await readAll(`<a>${'<b c="1"/>'.repeat(50)}</a>`, 64, limits)).children.length, 50)
  t.match(await refusal(readAll(`<a><b>${'<c/>'.repeat(10)}</b></a>`, 64, limits)), /more than 10/)
  const attributes = Array.from({ length: 10 }, (_, n) => `c${n}=""`).join(' ')
  t.match(await refusal(readAll(`<a><b ${attributes}/></a>`, 64, limits)), /more than 10/)
})
