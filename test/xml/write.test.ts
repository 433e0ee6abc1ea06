import fc from 'fast-check'
import t from 'tap'
import { escapeAttribute, escapeText, removeIllegalCharacters } from '../../src/xml/write.ts'
import { parseStrictly } from '../stix/parse.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 40 })
// UTF-16 as a careless upstream leaves it: halves of pairs and control characters too
const anyUnits = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(0x20)))
  .map((units) => String.fromCharCode(...units))
const nasty = fc.oneof(anyText, anyUnits, fc.string())

t.test('plain text is left alone', async (t) => {
  for (const text of ['', 'evil.example.com', 'a "quoted" word', "it's", 'tab\tline\n', 'ä 漢字'])
    t.equal(escapeText(text), text)
})

t.test('markup is escaped', async (t) => {
  t.equal(escapeText('<a href="x">&]]></a>'), '&lt;a href="x"&gt;&amp;]]&gt;&lt;/a&gt;')
  t.equal(escapeAttribute(`<"a" & 'b'>`), '&lt;&quot;a&quot; &amp; &#39;b&#39;&gt;')
})

t.test('line ends and tabs survive a parser', async (t) => {
  t.equal(escapeText('a\r\nb\tc'), 'a&#13;\nb\tc')
  t.equal(escapeAttribute('a\r\nb\tc'), 'a&#13;&#10;b&#9;c')
})

t.test('characters that XML cannot hold are dropped, pairs of surrogates are kept', async (t) => {
  t.equal(removeIllegalCharacters('a\0b\x0bc\ud800d\udc00e\uffff😀\x7f\x85'), 'abcde😀\x7f\x85')
  t.equal(escapeText('\ud83d\ud83d\ude00<'), '😀&lt;')
  t.equal(escapeAttribute('\ud83d\ud83d\ude00"'), '😀&quot;')
})

t.test('a parser gives back any text without its illegal characters', async () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const [element] = parseStrictly(
        `<a b="${escapeAttribute(text)}" c='${escapeAttribute(text)}'>${escapeText(text)}</a>`,
      )
      const legal = removeIllegalCharacters(text)
      return (
        element?.text === legal && element.attributes.b === legal && element.attributes.c === legal
      )
    }),
    { numRuns: 2000 },
  )
})
