import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { observableTypes } from '../src/model/observable.ts'
import { readWarninglistFile, readWarninglists } from '../src/warninglist-files.ts'
import { makeFolder } from './helpers/stores.ts'

function write(path: string, content: unknown): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const minimal = { name: 'Ours', list: ['a.com'] }

t.test('a list is read, with defaults for what it does not say', async (t) => {
  const folder = makeFolder(t)
  const { list, unusable } = readWarninglistFile(write(join(folder, 'ours', 'list.json'), minimal))
  t.match(list, {
    name: 'ours',
    title: 'Ours',
    description: '',
    version: 0,
    kind: 'string',
    effect: 'block',
    entries: ['a.com'],
  })
  t.same(list.types, observableTypes)
  t.same(unusable, { count: 0, first: [] })
})

t.test('attributes are types here; those that are nothing here are named', async (t) => {
  const folder = makeFolder(t)
  const read = (more: object) =>
    readWarninglistFile(write(join(folder, 'one.json'), { ...minimal, ...more }))
  const spoken = read({
    matching_attributes: [
      'hostname',
      'ip-dst|port',
      'filename|sha256',
      'phone-number',
      'constructor',
    ],
  })
  t.same(spoken.list.types, ['ipv4', 'ipv6', 'cidr', 'domain', 'sha256'])
  t.same(spoken.unknownAttributes, ['phone-number', 'constructor'])
  t.same(read({ type: 'cidr', matching_attributes: [] }).list.types, [
    'ipv4',
    'ipv6',
    'cidr',
    'url',
  ])
  t.throws(() => read({ matching_attributes: ['AS'] }), {
    code: 'CONFIG_INVALID',
    message: /one\.json: none of its matching_attributes \(AS\) is a type/,
  })
})

t.test('what a list does follows from its category, or else from its kind', async (t) => {
  const folder = makeFolder(t)
  const effect = (more: object) =>
    readWarninglistFile(write(join(folder, 'one.json'), { ...minimal, list: [], ...more })).list
      .effect
  t.equal(effect({ category: 'False positive', type: 'cidr' }), 'block')
  t.equal(effect({ category: 'Known identifier', type: 'cidr' }), 'lower')
  t.equal(effect({ category: 'Known identifier', type: 'hostname' }), 'inform')
  t.equal(effect({ type: 'hostname' }), 'block')
  t.equal(effect({ type: 'cidr' }), 'lower')
  t.equal(effect({ category: 'Something new' }), 'block')
})

t.test('entries that cannot be used are left out, with their places', async (t) => {
  const folder = makeFolder(t)
  const read = (
    type: string,
    list: readonly string[],
    attributes = ['domain', 'ip-dst', 'url'],
  ) => {
    const content = { name: 'Ours', type, matching_attributes: attributes, list }
    const { list: made, unusable } = readWarninglistFile(write(join(folder, 'one.json'), content))
    return { entries: made.entries, ...unusable }
  }
  t.match(
    read('regex', [
      '/^a$/i',
      '(?=b)',
      '(a)\\1',
      '/c/x',
      'x*',
      '',
      '/d{2000}/',
      `${'e'.repeat(5000)}`,
    ]),
    {
      entries: ['/^a$/i'],
      count: 7,
      first: [
        /^list\[1\]: "\(\?=b\)" is not supported: .*invalid or unsupported Perl syntax/,
        /^list\[2\]: .* is not supported: .*invalid escape/,
        /^list\[3\]: .* has the flag "x"/,
        /^list\[4\]: .* matches every value/,
        /^list\[5\]: "" is empty/,
      ],
    },
  )
  t.match(read('cidr', ['10.0.0.0/8', '10.0.0.0/33', 'a.com']), {
    entries: ['10.0.0.0/8'],
    count: 2,
  })
  t.match(read('hostname', ['.a.com', 'a.com/b', 'a b', 'x\ny.com', 'z\ud800.com']), {
    entries: ['.a.com'],
    first: [/names a page/, /is not a host name/, /control character/, /control character/],
  })
  t.match(read('string', ['a.com', 'no name', ''], ['domain']), { entries: ['a.com'], count: 2 })
  t.match(read('substring', ['a', ' ']), { entries: ['a'], count: 1 })
})

t.test('a file that is no list is refused with its place and the way out', async (t) => {
  const path = join(makeFolder(t), 'one.json')
  const refusal = (content: unknown) => {
    try {
      readWarninglistFile(write(path, content))
      return 'read'
    } catch (error) {
      return (error as Error).message.replace(path, 'FILE')
    }
  }
  t.match(refusal('{"name": "a", "list": ['), /^FILE is not JSON: /)
  t.equal(refusal({ name: 'a' }), 'FILE: lacks "list"; see schemas/warninglist.schema.json')
  t.equal(refusal({ ...minimal, list: ['a', 7] }), 'FILE: list[1] must be string')
  t.match(refusal({ ...minimal, type: 'glob' }), /^FILE: type must be one of string, substring/)
  t.equal(refusal([]), 'FILE: the file must be object')
  t.equal(refusal('['.repeat(200_000) + ']'.repeat(200_000)), 'FILE: the file must be object')
  t.equal(
    refusal(`{"name":"a","list":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    'FILE: list[0] must be string',
  )
  t.equal(
    refusal('{"__proto__":{"name":"a"},"list":[]}'),
    'FILE: lacks "name"; see schemas/warninglist.schema.json',
  )
  t.equal(refusal('\ufeff{"name":"a","list":[],"__proto__":{"type":"cidr"}}'), 'read')
  t.equal(({} as { type?: string }).type, undefined)
  t.match(
    refusal({ ...minimal, type: 'substring', list: ['x'.repeat(1_000_001)] }),
    /split the list/,
  )
})

t.test('sizes are bounded', async (t) => {
  const folder = makeFolder(t)
  const path = write(join(folder, 'one', 'list.json'), minimal)
  write(join(folder, 'two', 'list.json'), { name: 'Two', list: ['b.com', 'c.com'] })
  t.throws(() => readWarninglistFile(path, 10), /has \d+ bytes, more than 10; split the list/)
  const { read, faults } = await readWarninglists([folder], { fileBytes: 1000, entries: 2 })
  t.same(
    read.map(({ list }) => list.name),
    ['one'],
  )
  t.match(faults, [/two\/list\.json: with it there would be more than 2 entries/])
})

t.test(
  'a path is a file, a folder with a list, a folder of them, or the whole collection',
  async (t) => {
    const folder = makeFolder(t)
    write(join(folder, 'lists', 'b', 'list.json'), minimal)
    write(join(folder, 'lists', 'a', 'list.json'), minimal)
    write(join(folder, 'lists', 'a', 'README.md'), 'no list')
    write(join(folder, 'lists', 'c.json'), minimal)
    write(join(folder, 'lists', '.git', 'list.json'), minimal)
    write(join(folder, 'schema.json'), {})
    const names = async (...paths: string[]) => {
      const { read, faults } = await readWarninglists(paths.map((path) => join(folder, path)))
      return [
        ...read.map(({ list }) => list.name),
        ...faults.map((fault) => fault.replaceAll(folder, '')),
      ]
    }
    t.same(await names('lists'), ['a', 'b', 'c'])
    t.same(await names(''), ['a', 'b', 'c'])
    t.same(await names('lists/a'), ['a'])
    t.same(await names('lists/a/list.json', 'lists/c.json'), ['a', 'c'])
    t.same(await names('lists/a', 'lists/a/list.json'), [
      'a',
      '/lists/a/list.json: /lists/a/list.json has the name "a" already; rename one',
    ])
    t.match(await names('nowhere'), [/nowhere cannot be read \(ENOENT\)/])
    mkdirSync(join(folder, 'empty'))
    t.match(await names('empty'), [/empty holds no list\.json/])
    write(join(folder, 'odd', ' x', 'list.json'), minimal)
    t.match(await names('odd'), [/" x" is no name for a list; rename it/])
  },
)
