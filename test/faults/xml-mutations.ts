import type { Random } from './feed-random.ts'
import type { Node, Tag } from './xml-tree.ts'

/** Takes a message apart at one to three places, as a tree: what comes out can still be written. */
export function mutateTree(root: Tag, random: Random): Tag {
  let mutated = root
  for (let times = 1 + random.below(3); times > 0; times--) {
    const tags = listTags(mutated)
    const target = random.pick(tags)
    mutated = replaceTag(mutated, target, mutateTag(target, tags, random)) ?? mutated
  }
  return mutated
}

function mutateTag(tag: Tag, all: readonly Tag[], random: Random): Tag | undefined {
  const { children, attributes } = tag
  const index = random.below(Math.max(1, children.length))
  switch (random.below(16)) {
    case 0:
      return undefined
    case 1:
      return { ...tag, children: children.filter((_, at) => at !== index) }
    case 2:
      return { ...tag, children: children.flatMap((one, at) => (at === index ? [one, one] : one)) }
    case 3:
      return { ...tag, children: [...children].reverse() }
    case 4:
      return { ...tag, name: random.pick([...all.map(({ name }) => name), 'x', 'constructor']) }
    case 5:
      return {
        ...tag,
        namespace: random.pick([...all.map(({ namespace }) => namespace), '', 'urn:x', ' ']),
      }
    case 6:
      return { ...tag, attributes: attributes.slice(1) }
    case 7:
      return {
        ...tag,
        attributes: [
          ...attributes.filter(({ name }) => name !== '__proto__'),
          { name: '__proto__', value: oddText(random) },
        ],
      }
    case 8:
      return {
        ...tag,
        attributes: attributes.map((one) =>
          random.chance(0.5) ? { ...one, value: oddText(random) } : one,
        ),
      }
    case 9:
      return { ...tag, children: [{ text: oddText(random) }, ...children] }
    case 10:
      return { ...tag, children: [...children, { tag: random.pick(all) }] }
    case 11:
      return nest(tag, random.pick([2, 20, 200, 260, 400]))
    case 12:
      return widen(tag, random.pick([10, 1_000, 20_000]))
    case 13:
      return {
        ...tag,
        attributes: [
          ...attributes,
          ...Array.from({ length: random.pick([10, 1_000, 10_000]) }, (_, at) => ({
            name: `a${at}`,
            value: '',
          })),
        ],
      }
    case 14:
      return {
        ...tag,
        attributes: attributes.map((one, at) =>
          at === 0 ? { ...one, value: 'x'.repeat(100_000) } : one,
        ),
      }
    default:
      return { ...tag, children: [{ raw: random.pick(oddMarkup) }, ...children] }
  }
}

const oddMarkup = [
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '<![CDATA[]]>',
  '<![CDATA[]]]]><![CDATA[>]]>',
  '<!---->',
  '<!-- -- -->',
  '&b;',
  '&constructor;',
  '&#0;',
  '&#xD800;',
  '&#x110000;',
  '&#99999999999999999999;',
  '<?xml version="1.0"?>',
  '<?x?>',
  '<x:y/>',
  '<x xmlns:x=""/>',
  '<x xmlns:xml="urn:x"/>',
  '<x xmlns:xmlns="urn:x"/>',
  '<x xmlns="http://www.w3.org/2000/xmlns/"/>',
  '<x a="1" a="2"/>',
  '<a:b:c xmlns:a="u"/>',
  ']]>',
  '\0',
  '\u0001',
  '\ufffe',
  '\ud800',
  '</x>',
]

const oddText = (random: Random) =>
  random.pick([
    '',
    ' ',
    '\u00a0',
    '\ufeff',
    '\u2028',
    '-1',
    '1e999',
    '99999999999999999999',
    'NaN',
    '../../etc/passwd',
    '%s%n',
    '\\',
    '$1',
    '\ud83d\ude00',
    'a\tb\nc',
    'é'.normalize('NFD'),
    'x'.repeat(random.below(10_000)),
  ])

function nest(tag: Tag, depth: number): Tag {
  let nested = tag
  for (let level = 0; level < depth; level++)
    nested = { ...tag, attributes: [], children: [{ tag: nested }] }
  return nested
}

function widen(tag: Tag, count: number): Tag {
  const child: Node = { tag: { ...tag, children: [], attributes: [] } }
  return { ...tag, children: [...tag.children, ...Array<Node>(count).fill(child)] }
}

function listTags(root: Tag, most = 500): Tag[] {
  const found = [root]
  for (let at = 0; at < found.length && found.length < most; at++) {
    for (const child of found[at]?.children ?? []) if ('tag' in child) found.push(child.tag)
  }
  return found
}

/** @returns undefined when the root itself is taken away */
function replaceTag(within: Tag, target: Tag, by: Tag | undefined): Tag | undefined {
  if (within === target) return by
  let changed = false
  const children: Node[] = []
  for (const child of within.children) {
    if (!('tag' in child) || changed) {
      children.push(child)
      continue
    }
    const tag = replaceTag(child.tag, target, by)
    changed = tag !== child.tag
    if (tag) children.push({ tag })
  }
  return changed ? { ...within, children } : within
}

const fragments = [
  ...['<', '>', '/', '"', "'", '&', ';', '&#0;', '&#x10FFFF;', '&lt;', ']]>', '<![CDATA[', '<!--'],
  ...['<!DOCTYPE a [', '<?', '?>', 'xmlns=', 'xmlns:t=""', ':', '\0', '\ufeff', '\ufffe', '=', ' '],
  ...['/>', '</', '-->', '__proto__', 'constructor', '99999999999999999999', '-1', '\u2028', '\r'],
  ...['<a>'.repeat(300), '<!ENTITY a "b">', ' a="b"', 'x'.repeat(5_000), '\u0085', '\u0007'],
].map((text) => Buffer.from(text))
const oddBytes = [
  [0xff],
  [0xfe, 0xff],
  [0xff, 0xfe],
  [0xef, 0xbb, 0xbf],
  [0xc0, 0xbc],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0, 0x3c],
  [0, 0, 0xfe, 0xff],
].map((bytes) => Buffer.from(bytes))

/** Changes bytes at one to four places, or all of them at once. */
export function mutateBytes(bytes: Buffer, other: Buffer, random: Random): Buffer {
  let mutated = bytes
  for (let times = 1 + random.below(4); times > 0; times--) {
    mutated = mutateOnce(mutated, other, random)
  }
  return mutated
}

function mutateOnce(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const replace = (take: number, put: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + take)])
  switch (random.below(14)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return bytes.subarray(at)
    case 2:
      return replace(0, other)
    case 3:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))])
    case 4:
      return replace(random.below(200), Buffer.alloc(0))
    case 5:
      return replace(0, bytes.subarray(at, at + random.below(2_000)))
    case 6:
      return replace(1, Buffer.from([random.below(256)]))
    case 7:
      return replace(0, random.pick(oddBytes))
    case 8:
      return random.chance(0.2)
        ? Buffer.from(bytes.toString('latin1'), 'utf16le')
        : replace(1, random.pick(oddBytes))
    case 9:
      return random.chance(0.2)
        ? Buffer.from(Array.from({ length: random.below(2_000) }, () => random.below(256)))
        : replace(0, random.pick(fragments))
    default:
      return replace(random.below(12), random.pick(fragments))
  }
}
