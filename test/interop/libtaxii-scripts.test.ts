import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { runPythonPrograms } from '../helpers/python.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { type AccountName, blockCount, pageSize, startWorld } from '../taxii/conformance/world.ts'

const world = await startWorld(t)
const folder = await makeFolder(t)

interface Call {
  readonly script: string
  readonly path?: string
  readonly as?: AccountName
  readonly args?: readonly string[]
}

/** @returns what each script printed */
async function runScripts(calls: readonly Call[]): Promise<string[]> {
  const outputs = await runPythonPrograms(
    calls.map(({ script, path = '/taxii/poll', as = 'sensor', args = [] }) => ({
      program: script,
      args: [
        ...['-u', `${world.url}${path}`, '--username', as, '--pass', world.passwordOf(as)],
        ...args,
      ],
    })),
  )
  return outputs.map(({ stdout, stderr }) => stdout + stderr)
}

const polling = (collection: string, ...args: readonly string[]) => [
  ...['--collection', collection, '--dest-dir', folder, ...args],
]
const notWritten = ['--write', 'none'] as const

const [
  discovered = '',
  listed = '',
  polled = '',
  first = '',
  setPolled = '',
  queried = '',
  pushed = '',
  unwelcome = '',
  refused = '',
] = await runScripts([
  { script: 'discovery_client', path: '/taxii/discovery' },
  { script: 'collection_information_client', path: '/taxii/collections' },
  { script: 'poll_client', args: polling('indicators') },
  { script: 'poll_client', args: polling('paged', ...notWritten) },
  { script: 'poll_client', args: polling('set', ...notWritten) },
  {
    script: 'query_client',
    args: polling('indicators', '--value', 'x', '--match-type', 'case_sensitive_string'),
  },
  { script: 'inbox_client', path: '/taxii/inbox', args: ['--dcn', 'inbox'] },
  { script: 'inbox_client', path: '/taxii/inbox' },
  { script: 'poll_client', as: 'stranger', args: polling('indicators') },
])

t.test('discovery_client prints the services', async (t) => {
  t.match(discovered, 'Message Type: Discovery_Response')
  for (const type of ['DISCOVERY', 'COLLECTION_MANAGEMENT', 'INBOX', 'POLL']) {
    t.match(discovered, new RegExp(`Service Type: ${type}\\b`))
  }
  t.notMatch(discovered, 'Traceback')
})

t.test('collection_information_client prints the collections and their kinds', async (t) => {
  t.match(listed, 'Message Type: Collection_Information_Response')
  for (const name of ['indicators', 'set', 'inbox', 'drop-box']) {
    t.match(listed, `Collection Name: ${name}\n`)
  }
  t.match(listed, /Collection Name: set\n\s*Collection Type: DATA_SET/)
  t.match(listed, 'Receiving Inbox Service')
  t.notMatch(listed, 'Traceback')
})

t.test('poll_client writes each block into a file of its own', async (t) => {
  t.equal(polled.split('File created: ').length - 1, blockCount)
  const files = await readdir(folder)
  t.equal(files.length, blockCount)
  const content = await readFile(join(folder, String(files[0])), 'utf8')
  t.match(content, /<stix:STIX_Package[\s>]/)
})

t.test('fulfillment_client takes the command that poll_client tells', async (t) => {
  const [, command = ''] = /^ {2}(fulfillment_client --collection .*?)\s*$/m.exec(first) ?? []
  t.match(command, /--result-part-number 2$/)
  const [script = '', ...args] = command.split(' ')
  const last = args.with(-1, String(blockCount / pageSize))
  const past = args.with(-1, '99')
  const [second = '', third = '', invalid = ''] = await runScripts(
    [args, last, past].map((some) => ({ script, args: [...some, ...notWritten] })),
  )
  t.equal(second.split('File write skipped: ').length - 1, pageSize)
  t.match(second, 'This response has More=True')
  t.equal(third.split('File write skipped: ').length - 1, pageSize)
  t.notMatch(third, 'More=True')
  t.match(invalid, 'Status Type: INVALID_RESPONSE_PART')
})

t.test('poll_client reads a data set, which has no times', async (t) => {
  t.equal(setPolled.split('File write skipped: ').length - 1, blockCount)
  t.notMatch(setPolled, /Traceback|Timestamp Label: \d/)
})

t.test('query_client is told that there are no queries', async (t) => {
  t.match(queried, 'Status Type: UNSUPPORTED_QUERY')
})

t.test('inbox_client pushes its own watchlist, a list of three domains', async (t) => {
  t.match(pushed, 'Status Type: SUCCESS')
  const names = [1, 2, 3].map((n) => `malicious${n}.example.com`)
  const stored = await world.db
    .selectFrom('indicators')
    .select('value')
    .where('value', 'in', names)
    .orderBy('value')
    .execute()
  // They are kept and not published: of 2014, and of a reserved name.
  t.strictSame(
    stored.map(({ value }) => value),
    names,
  )
  const [found = ''] = await runScripts([
    { script: 'poll_client', args: polling('inbox', '--xml-output', ...notWritten) },
  ])
  t.notMatch(found, 'malicious1')
})

t.test('inbox_client without a destination is told which there are', async (t) => {
  t.match(unwelcome, 'Status Type: DESTINATION_COLLECTION_ERROR')
  for (const name of ['inbox', 'second-inbox', 'drop-box']) t.match(unwelcome, name)
})

t.test('a collection that one may not read is not found', async (t) => {
  t.match(refused, 'Status Type: NOT_FOUND')
})

t.test('nothing that was printed is a traceback', async (t) => {
  t.notMatch(
    [discovered, listed, polled, first, setPolled, queried, pushed, refused].join(),
    /Traceback/,
  )
})
