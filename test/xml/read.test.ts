import t from 'tap'
import { findAttribute, readXml, XmlError } from '../../src/xml/read.ts'

const refused: Record<string, { xml: string | Uint8Array; says: string }> = {
  'an empty document': { xml: '', says: 'root' },
  'white space alone': { xml: ' \n', says: 'root' },
  'a truncated tag': { xml: '<a', says: 'root' },
  'an element left open': { xml: '<a><b></b>', says: 'unclosed tag' },
  'mismatched tags': { xml: '<a><b></a></b>', says: 'unexpected close tag' },
  'a closing tag alone': { xml: '</a>', says: 'unmatched closing tag' },
  'two roots': { xml: '<a/><b/>', says: 'one root' },
  'text after the root': { xml: '<a/>x', says: 'outside of root' },
  'text before the root': { xml: 'x<a/>', says: 'text data outside of root' },
  'a DOCTYPE': { xml: '<!DOCTYPE a><a/>', says: 'DOCTYPE' },
  'a DOCTYPE with an external subset': {
    xml: '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    says: 'DOCTYPE',
  },
  'an entity bomb': {
    xml: '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    says: 'DOCTYPE',
  },
  'a DOCTYPE that does not end': { xml: '<!DOCTYPE a [', says: 'root' },
  'an entity that nobody defined': { xml: '<a>&nbsp;</a>', says: 'undefined entity' },
  'an entity named like a method': { xml: '<a>&constructor;</a>', says: 'undefined entity' },
  'a bare ampersand': { xml: '<a>b & c</a>', says: 'unclosed tag' },
  'an undeclared prefix': { xml: '<x:a/>', says: 'unbound namespace prefix' },
  'an undeclared prefix of an attribute': { xml: '<a x:b="1"/>', says: 'unbound namespace' },
  'a name with two colons': { xml: '<x:y:z xmlns:x="u"/>', says: 'malformed name' },
  'a duplicate attribute': { xml: '<a b="1" b="2"/>', says: 'duplicate attribute' },
  'a duplicate attribute by namespace': {
    xml: '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>',
    says: 'duplicate attribute',
  },
  'an attribute without quotes': { xml: '<a b=1/>', says: 'unquoted attribute' },
  'an attribute without a value': { xml: '<a b/>', says: 'disallowed character in attribute name' },
  'a < in an attribute': { xml: '<a b="<"/>', says: 'disallowed character' },
  'a NUL': { xml: '<a>\0</a>', says: 'disallowed character' },
  'a control character': { xml: '<a>\u0008</a>', says: 'disallowed character' },
  'a reference to a control character': { xml: '<a>&#8;</a>', says: 'malformed character entity' },
  'control characters by way of XML 1.1': {
    xml: '<?xml version="1.1"?><a>&#8;</a>',
    says: 'malformed character entity',
  },
  'a reference to a surrogate': { xml: '<a>&#xD800;</a>', says: 'malformed character entity' },
  'U+FFFE': { xml: '<a>\ufffe</a>', says: 'disallowed character' },
  ']]> in text': { xml: '<a>]]></a>', says: ']]>' },
  '-- in a comment': { xml: '<a><!-- b -- c --></a>', says: 'malformed comment' },
  'CDATA outside the root': { xml: '<![CDATA[x]]><a/>', says: 'outside of root' },
  'an XML declaration in the middle': {
    xml: '<a><?xml version="1.0"?></a>',
    says: 'XML declaration must be at the start',
  },
  'white space before the XML declaration': {
    xml: ' <?xml version="1.0"?><a/>',
    says: 'XML declaration must be at the start',
  },
  'bytes that are not UTF-8': { xml: Buffer.from('<a>\xe4</a>', 'latin1'), says: 'UTF-8' },
  'an overlong encoding': { xml: Buffer.from([0x3c, 0xc0, 0xbc, 0x2f]), says: 'UTF-8' },
  'an encoded surrogate': { xml: Buffer.from([0x3c, 0xed, 0xa0, 0x80]), says: 'UTF-8' },
  'a declared encoding that is not UTF-8': {
    xml: '<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
    says: 'ISO-8859-1 is declared',
  },
  'UTF-16 that declares UTF-8': {
    xml: utf16('<?xml version="1.0" encoding="UTF-8"?><a/>', 'utf-16le'),
    says: 'UTF-8 is declared',
  },
  'UTF-16 without a byte order mark': {
    xml: utf16('<a/>', 'utf-16le').subarray(2),
    says: 'disallowed character',
  },
  'half a UTF-16 character': { xml: utf16('<a/>', 'utf-16le').subarray(0, 7), says: 'UTF-16LE' },
  'depth beyond 256': { xml: nested(257), says: 'nested deeper than 256' },
  '10,000 levels': { xml: nested(10_000), says: 'nested deeper than 256' },
  'too many elements': { xml: `<a>${'<b/>'.repeat(100_000)}</a>`, says: 'more than 100000' },
  HTML: { xml: '<html><br><p>Bad gateway</html>', says: 'unexpected close tag' },
  JSON: { xml: '{"a": 1}', says: 'outside of root' },
}

for (const [name, { xml, says }] of Object.entries(refused)) {
  t.test(`${name} is refused, with the place`, async (t) => {
    try {
      readXml(Buffer.from(xml))
      t.fail('it was accepted')
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      t.match(error.message, /^line \d+, column \d+: /)
      t.ok(error.message.includes(says), error.message)
    }
  })
}

t.test('prefixes are resolved by their scope', async (t) => {
  const root = readXml(
    Buffer.from(
      '<p:a xmlns:p="one" xmlns="two" b="1" p:b="2"><c/><p:d xmlns:p="three"/><e xmlns=""/></p:a>',
    ),
  )
  t.match(root, { namespace: 'one', name: 'a' })
  t.equal(findAttribute(root, 'b'), '1')
  t.equal(findAttribute(root, 'b', 'one'), '2')
  t.equal(root.attributes.length, 2, 'declarations are not attributes')
  t.strictSame(
    root.children.map(({ namespace, name }) => [namespace, name]),
    [
      ['two', 'c'],
      ['three', 'd'],
      ['', 'e'],
    ],
  )
})

t.test('text keeps its white space; references and CDATA are resolved', async (t) => {
  const text = (xml: string) => readXml(Buffer.from(xml)).text
  t.equal(
    text('<a> b\r\n&lt;&#65;&#x1F600;&amp;amp;<![CDATA[<c>&amp;]]> </a>'),
    ' b\n<A😀&amp;<c>&amp; ',
  )
  t.equal(text('<a>007</a>'), '007')
  t.equal(text('<a>1e10</a>'), '1e10')
  t.equal(text('<a>x<b>y</b>z</a>'), 'xz')
})

t.test('attributes are normalised as XML says', async (t) => {
  const root = readXml(Buffer.from('<a b="1\n2\t3&#10;4&quot;"/>'))
  t.equal(findAttribute(root, 'b'), '1 2 3\n4"')
})

t.test('comments and processing instructions leave no trace', async (t) => {
  const xml = '<?x don\'t?><!-- <DOCTYPE> --><a><!-- > --><?y "?>b<!-- c --></a><!-- d --><?z?>'
  t.match(readXml(Buffer.from(xml)), { name: 'a', text: 'b', children: [] })
})

t.test('names that mean something to JavaScript are only names', async (t) => {
  const xml =
    '<constructor xmlns:__proto__="u" __proto__:toString="1" __proto__="2"><__proto__/></constructor>'
  const root = readXml(Buffer.from(xml))
  t.equal(root.name, 'constructor')
  t.equal(findAttribute(root, 'toString', 'u'), '1')
  t.equal(findAttribute(root, '__proto__'), '2')
  t.equal(root.children[0]?.name, '__proto__')
})

t.test('byte order marks and UTF-16 are understood', async (t) => {
  const xml = '<?xml version="1.0" encoding="UTF-16"?><a>ä😀</a>'
  t.equal(readXml(Buffer.from('\ufeff<a>ä</a>')).text, 'ä')
  t.equal(readXml(utf16(xml, 'utf-16le')).text, 'ä😀')
  t.equal(readXml(utf16(xml, 'utf-16be')).text, 'ä😀')
})

t.test('what was read before the fault can still be used', async (t) => {
  try {
    readXml(Buffer.from('<a message_id="7"><b></a>'))
    t.fail('it was accepted')
  } catch (error) {
    if (!(error instanceof XmlError) || !error.root) throw error
    t.equal(findAttribute(error.root, 'message_id'), '7')
  }
})

t.test('big and wide documents are read in proportion to their size', async (t) => {
  const wide = `<a ${Array.from({ length: 20_000 }, (_, i) => `b${i}=""`).join(' ')}/>`
  t.equal(readXml(Buffer.from(wide)).attributes.length, 20_000)
  t.equal(readXml(Buffer.from(`<a b="${'x'.repeat(10_000_000)}"/>`)).attributes.length, 1)
  t.equal(readXml(Buffer.from(nested(256))).name, 'a')
})

function nested(depth: number): string {
  return '<a>'.repeat(depth) + '</a>'.repeat(depth)
}

function utf16(text: string, encoding: 'utf-16le' | 'utf-16be'): Buffer {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  return encoding === 'utf-16le' ? bytes : bytes.swap16()
}
