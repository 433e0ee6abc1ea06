/** XML that is sent to break a parser, or that a careful one must still understand. */
export interface HostileDocument {
  /** what it is, as the name of a test tells it */
  readonly what: string
  /** the message as `around` has it, with its fault; 'never' ends */
  readonly bytes: Uint8Array
  /** what the answer says of it */
  readonly says: RegExp
}

/** A message to be spoiled: it ends with its root's end tag, and has text in UTF-8 alone. */
export interface Spoiled {
  readonly xml: string
  /** the prefix that its elements have */
  readonly prefix: string
  /** where an element may stand that is refused for its form alone */
  readonly at: string
}

const bomb = Array.from(
  { length: 9 },
  (_, level) => `<!ENTITY e${level + 1} "${`&e${level};`.repeat(10)}">`,
).join('')

/** Every document is not well-formed, or is refused for what it could do. */
export function refusedDocuments({ xml, prefix, at }: Spoiled): readonly HostileDocument[] {
  const inside = (text: string) => xml.replace(at, () => text + at)
  const afterRoot = (text: string) => inRoot(xml, text)
  const doctype = /a DOCTYPE is not allowed/
  const texts: readonly [what: string, text: string, says: RegExp][] = [
    ['an empty DOCTYPE', `<!DOCTYPE a>${xml}`, doctype],
    ['a DOCTYPE in lower case', `<!doctype a>${xml}`, /line 1, /],
    ['a DOCTYPE of a file', `<!DOCTYPE a SYSTEM "file:///etc/passwd">${xml}`, doctype],
    ['a DOCTYPE of another server', `<!DOCTYPE a PUBLIC "a" "http://127.0.0.1:1/">${xml}`, doctype],
    ['a DOCTYPE with an entity', `<!DOCTYPE a [<!ENTITY b "c">]>${inside('&b;')}`, doctype],
    [
      'a DOCTYPE with an entity of a file',
      `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>${inside('&b;')}`,
      doctype,
    ],
    [
      'a DOCTYPE with parameter entities',
      `<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:1/x.dtd">%b;]>${xml}`,
      doctype,
    ],
    ['a DOCTYPE with default attributes', `<!DOCTYPE a [<!ATTLIST a b CDATA "c">]>${xml}`, doctype],
    ['an entity bomb', `<!DOCTYPE a [<!ENTITY e0 "lol">${bomb}]>${inside('&e9;')}`, doctype],
    [
      'an entity that holds itself',
      `<!DOCTYPE a [<!ENTITY b "&c;"><!ENTITY c "&b;">]>${inside('&b;')}`,
      doctype,
    ],
    [
      'a long entity many times',
      `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(100_000)}">]>${inside('&b;'.repeat(10_000))}`,
      doctype,
    ],
    ['a DOCTYPE behind a comment', `<!-- a --><!DOCTYPE a>${xml}`, doctype],
    ['a DOCTYPE in the root', inside('<!DOCTYPE a>'), /line 1, |DOCTYPE/],
    ['a DOCTYPE behind the root', `${xml}<!DOCTYPE a>`, /line 1, |DOCTYPE/],
    ['an entity that nobody defined', inside('&nbsp;'), /undefined entity/],
    ['an entity named like a method', inside('&toString;'), /undefined entity/],
    ['an ampersand alone', inside('a & b'), /line 1, /],
    ['10,000 levels', inside(`${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`), /deeper than 256/],
    ['10,000 levels that do not end', inside('<a>'.repeat(10_000)), /deeper than 256/],
    ['two roots', xml + xml, /one root/],
    ['words behind the root', `${xml} and more`, /outside of root/],
    ['an end tag behind the root', `${xml}</a>`, /unmatched closing tag/],
    ['a NUL behind the root', `${xml}\0`, /line 1, /],
    ['words before the root', `and ${xml}`, /outside of root/],
    [
      'an XML declaration behind the root',
      `${xml}<?xml version="1.0"?>`,
      /XML declaration must be/,
    ],
    ['an undeclared prefix', inside('<u:a/>'), /unbound namespace prefix/],
    ['an undeclared prefix of an attribute', inside('<a u:b="c"/>'), /unbound namespace prefix/],
    ['a prefix that is taken back', inside('<a xmlns:p=""/>'), /line 1, /],
    ['the prefix xmlns for another namespace', inside('<a xmlns:xmlns="urn:x"/>'), /line 1, /],
    ['the prefix xml for another namespace', inside('<a xmlns:xml="urn:x"/>'), /line 1, /],
    ['a name with two colons', inside('<a:b:c xmlns:a="urn:x"/>'), /malformed name/],
    ['mismatched tags', inside('<a><b></a></b>'), /unexpected close tag/],
    [
      'tags of other prefixes',
      inside('<p:a xmlns:p="u" xmlns:q="u"></q:a>'),
      /unexpected close tag/,
    ],
    ['an end that is missing', xml.slice(0, xml.lastIndexOf('</')), /unclosed tag/],
    ['half of a tag', xml.slice(0, -3), /line 1, /],
    ['a duplicate attribute', inside('<a b="1" b="2"/>'), /duplicate attribute/],
    [
      'a duplicate attribute by way of two prefixes',
      inside('<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>'),
      /duplicate attribute/,
    ],
    ['an attribute without quotes', inside('<a b=c/>'), /unquoted attribute/],
    ['an attribute with a <', inside('<a b="<"/>'), /disallowed character/],
    ['a NUL', inside('\0'), /disallowed character/],
    ['a reference to NUL', inside('&#0;'), /malformed character entity/],
    ['a reference to half a character', inside('&#xD83D;'), /malformed character entity/],
    ['a reference beyond Unicode', inside('&#x110000;'), /malformed character entity/],
    ['a reference that does not end', inside(`&#${'9'.repeat(100_000)}`), /line 1, /],
    ['U+FFFF', inside('\uffff'), /disallowed character/],
    ['a control character', inside('\u0001'), /disallowed character/],
    [
      'a control character by way of XML 1.1',
      `<?xml version="1.1"?>${inside('&#1;')}`,
      /malformed character entity/,
    ],
    [
      'a comment before the XML declaration',
      `<!-- --><?xml version="1.0"?>${xml}`,
      /XML declaration/,
    ],
    ['a comment with --', inside('<!-- a -- b -->'), /malformed comment/],
    ['a comment that does not end', inside('<!-- '), /unclosed|root|line 1, /],
    ['a comment in a tag', xml.replace(at, `<a <!-- -->/>${at}`), /line 1, /],
    ['CDATA before the root', `<![CDATA[a]]>${xml}`, /outside of root/],
    ['CDATA behind the root', `${xml}<![CDATA[a]]>`, /outside of root/],
    ['CDATA that does not end', inside('<![CDATA[ '), /line 1, /],
    ['CDATA in a tag', xml.replace(at, `<a <![CDATA[b]]>/>${at}`), /line 1, /],
    ['the end of CDATA without its beginning', inside(']]>'), /]]>/],
    ['CDATA in CDATA', inside('<![CDATA[<![CDATA[a]]>]]>'), /]]>/],
    ['an instruction without a name', inside('<? a?>'), /line 1, /],
    ['an instruction that does not end', inside('<?a '), /line 1, /],
    ['another encoding', `<?xml version="1.0" encoding="ISO-8859-1"?>${xml}`, /ISO-8859-1 is decl/],
    ['UTF-7', '<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-', /UTF-7 is declared|line 1/],
    [
      'UTF-8 that calls itself UTF-16',
      `<?xml version="1.0" encoding="UTF-16"?>${xml}`,
      /UTF-16 is/,
    ],
    [
      'a root in the wrong case',
      xml.replace(`</${prefix}`, `</${prefix.toUpperCase()}`),
      /line 1, /,
    ],
    ['nothing', '', /root element/],
    ['white space alone', ' \r\n\t ', /root element/],
    ['a byte order mark alone', '\ufeff', /root element/],
    ['HTML', '<html><br><p>Bad gateway</html>', /unexpected close tag/],
    ['JSON', '{"type": "bundle"}', /outside of root/],
    ['a tag that never ends', `<${'a'.repeat(300_000)}`, /line 1, |root/],
    [
      '100,000 characters of a comment',
      afterRoot(`<!--${'-'.repeat(100_000)}`),
      /malformed comment/,
    ],
  ]
  const latin1 = (text: string) => Buffer.from(inside(text).replace(/[^\0-\xff]/g, '?'), 'latin1')
  const bytes: readonly [what: string, bytes: Buffer, says: RegExp][] = [
    ['Latin 1 without a word', latin1('\xe4'), /not valid UTF-8/],
    ['half a character', latin1('\xf0\x9f\x98'), /not valid UTF-8/],
    ['a character that is spelled too long', latin1('\xc0\xbc'), /not valid UTF-8/],
    ['a surrogate in UTF-8', latin1('\xed\xa0\x80'), /not valid UTF-8/],
    ['a character beyond Unicode', latin1('\xf4\x90\x80\x80'), /not valid UTF-8/],
    ['a byte that stands nowhere', latin1('\xff'), /not valid UTF-8/],
    [
      'half a character behind the root',
      Buffer.concat([Buffer.from(xml), Buffer.from([0xe2])]),
      /not valid UTF-8/,
    ],
    ['UTF-16 without a mark', Buffer.from(xml, 'utf16le'), /line 1, /],
    ['UTF-16 of the other order without a mark', Buffer.from(xml, 'utf16le').swap16(), /line 1, /],
    [
      'UTF-16 with the mark of the other order',
      Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(xml, 'utf16le')]),
      /line 1, /,
    ],
    [
      'UTF-16 of half a unit',
      Buffer.from(`\ufeff${xml}`, 'utf16le').subarray(0, -1),
      /not valid UTF-16LE|line 1, /,
    ],
    [
      'UTF-16 with half a character',
      Buffer.from(`\ufeff${inside('\ud83d')}`, 'utf16le'),
      /not valid UTF-16LE/,
    ],
    [
      'UTF-16 that calls itself UTF-8',
      Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-8"?>${xml}`, 'utf16le'),
      /UTF-8 is declared/,
    ],
    [
      'UTF-32',
      Buffer.concat([
        Buffer.from([0xff, 0xfe, 0, 0]),
        ...[...xml].map((one) => Buffer.from([one.charCodeAt(0), 0, 0, 0])),
      ]),
      /line 1, /,
    ],
    ['bytes by chance', Buffer.from('\x8b\x1f\x00\x7f\xfe', 'latin1'), /line 1, /],
  ]
  return [
    ...texts.map(([what, text, says]) => ({ what, bytes: Buffer.from(text), says })),
    ...bytes.map(([what, one, says]) => ({ what, bytes: one, says })),
  ]
}

function inRoot(xml: string, text: string): string {
  const end = xml.lastIndexOf('</')
  return xml.slice(0, end) + text + xml.slice(end)
}

/** The same message, in ways that a parser must understand. */
export function acceptedDocuments({
  xml,
  prefix,
}: Spoiled): readonly Omit<HostileDocument, 'says'>[] {
  const renamed = (to: string) =>
    xml
      .replaceAll(`<${prefix}:`, `<${to}:`)
      .replaceAll(`</${prefix}:`, `</${to}:`)
      .replace(`xmlns:${prefix}=`, `xmlns:${to}=`)
  const byDefault = xml
    .replaceAll(`<${prefix}:`, '<')
    .replaceAll(`</${prefix}:`, '</')
    .replace(`xmlns:${prefix}=`, 'xmlns=')
  const noisy = xml.replaceAll('><', '>\r\n<!-- <a>&b; --><?a b?>\t<')
  const declared = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?>${xml}`
  const texts: readonly [what: string, text: string][] = [
    ['as it is', xml],
    ['another prefix', renamed('taxii')],
    ['a prefix in another script', renamed('ü')],
    ['a prefix named like a method', renamed('constructor')],
    ['a default namespace', byDefault],
    ['both at once', renamed('a').replace('xmlns:a=', 'xmlns="urn:other" xmlns:a=')],
    ['a prefix that every element declares anew', redeclared(xml, prefix)],
    ['comments, instructions and white space everywhere', noisy],
    ['comments and instructions around the root', `<!-- a --><?b?>\n${xml}\n<!-- c --><?d?>\n`],
    ['a comment of what is forbidden', `<!-- <!DOCTYPE a [<!ENTITY b "c">]> &b; -->${xml}`],
    ['a byte order mark', `\ufeff${xml}`],
    ['a declaration', declared('UTF-8')],
    ['a declaration in lower case', declared('utf-8')],
    ['a declaration of ASCII', declared('US-ASCII')],
    ['a declaration that it stands alone', `<?xml version="1.0" standalone="yes"?>${xml}`],
    ['single quotes', xml.replaceAll('"', "'")],
    ['white space in tags', xml.replaceAll(/(\w)="/g, '$1 = "').replaceAll(/\/?>/g, '\n$&')],
    ['instructions of style sheets', `<?xml-stylesheet href="file:///etc/passwd"?>${xml}`],
  ]
  const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
  return [
    ...texts.map(([what, text]) => ({ what, bytes: Buffer.from(text) })),
    { what: 'UTF-16 with a mark', bytes: utf16(xml) },
    { what: 'UTF-16 with a declaration', bytes: utf16(declared('UTF-16')) },
    { what: 'UTF-16 of the other order', bytes: utf16(declared('utf-16')).swap16() },
  ]
}

function redeclared(xml: string, prefix: string): string {
  const [declaration = ''] = new RegExp(`xmlns:${prefix}="[^"]*"`).exec(xml) ?? []
  return xml
    .replace(` ${declaration}`, '')
    .replaceAll(new RegExp(`<${prefix}:([A-Za-z_]+)`, 'g'), `<${prefix}:$1 ${declaration}`)
}
