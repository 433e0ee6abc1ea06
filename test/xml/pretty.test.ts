import t from 'tap'
import { prettyXml } from '../../src/xml/pretty.ts'
import { readXml, type XmlElement } from '../../src/xml/read.ts'

t.test('a document is indented, one element a line', async (t) => {
  t.equal(
    prettyXml('<a xmlns:p="u"><p:b c="1&amp;2"><d>007 &lt; 8</d><e/></p:b><!-- f --></a>'),
    `<a xmlns:p="u">
  <p:b c="1&amp;2">
    <d>007 &lt; 8</d>
    <e/>
  </p:b>
  <!-- f -->
</a>
`,
  )
})

t.test('nothing but white space changes', async (t) => {
  const xml =
    '<?xml version="1.0" encoding="UTF-8"?><s:a xmlns:s="u" s:b="&#10;&quot;&gt;"><c>1e10</c><c> true</c><d><![CDATA[<x>&amp;]]></d><e>&#x1F600;&amp;amp;</e></s:a>'
  const trimmed = (element: XmlElement): object => ({
    ...element,
    text: element.text.trim(),
    children: element.children.map(trimmed),
  })
  t.strictSame(trimmed(readXml(Buffer.from(prettyXml(xml)))), trimmed(readXml(Buffer.from(xml))))
})

t.test('what cannot be taken apart comes back as it is', async (t) => {
  for (const xml of ['<constructor/>', "<a><?x don't?></a>"]) t.equal(prettyXml(xml), xml)
})
