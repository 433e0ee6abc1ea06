import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findAttribute } from '../../src/xml/read.ts'
import { runPython, runPythonPrograms, validateTaxii } from '../helpers/python.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { packageOn, startInboxServer } from './inbox-server.ts'
import { headers10, namespace10, request10, status10 } from './messages10.ts'
import { childText } from './server.ts'

const stix111 = 'urn:stix.mitre.org:xml:1.1.1'

/** @param more elements behind the Content */
function block10(content: string, binding = stix111, more = ''): string {
  return (
    `<Q:Content_Block><Q:Content_Binding>${binding}</Q:Content_Binding>` +
    `<Q:Content>${content}</Q:Content>${more}</Q:Content_Block>`
  )
}

const inbox10 = (children: string) => request10('Inbox_Message', '', children)
const label = '<Q:Timestamp_Label>2026-01-01T00:00:00Z</Q:Timestamp_Label>'
const good = packageOn(['one.harbour-loaders.com'])

const refusals: [string, string, string][] = [
  [
    'a destination',
    inbox10('<Q:Destination_Collection_Name>in</Q:Destination_Collection_Name>'),
    'BAD_MESSAGE',
  ],
  ['a count of records', inbox10('<Q:Record_Count>1</Q:Record_Count>'), 'BAD_MESSAGE'],
  [
    'a binding as TAXII 1.1 has it',
    inbox10(block10(good).replace(`>${stix111}<`, ` binding_id="${stix111}"><`)),
    'BAD_MESSAGE',
  ],
  [
    'a message in a block',
    inbox10(block10(good, stix111, '<Q:Message>new</Q:Message>')),
    'BAD_MESSAGE',
  ],
  [
    'a label without a zone',
    inbox10(block10(good, stix111, label.replace('Z<', '<'))),
    'BAD_MESSAGE',
  ],
  ['an id that is no number', inbox10(block10(good)).replace('0042', 'm-1'), 'BAD_MESSAGE'],
  ['what is no STIX', inbox10(block10('<a/>')), 'BAD_MESSAGE'],
  [
    'another binding',
    inbox10(block10(good, 'urn:other')),
    `UNSUPPORTED_CONTENT ${['1.2', '1.1.1', '1.1', '1.0.1', '1.0'].map((one) => `urn:stix.mitre.org:xml:${one}`).join(' ')}`,
  ],
]

t.test(
  'an Inbox_Message of TAXII 1.0 names no destination, and goes where its account may send',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const server = await startInboxServer(t, db)
      const write = { read: false, write: true }
      await server.addAccount('one', { in: write, closed: write })
      await server.addAccount('none', { in: { read: true, write: false } })
      const answers: string[] = []
      const send = async (body: string, as = 'one') => {
        const answer = await server.send(body, { as, headers: headers10 as Record<string, string> })
        answers.push(answer.body)
        t.equal(answer.root.namespace, namespace10)
        t.equal(answer.headers.get('x-taxii-content-type'), 'urn:taxii.mitre.org:message:xml:1.0')
        return answer
      }

      for (const [name, body, status] of refusals) {
        const { root } = await send(body)
        t.equal(status10(root), status, name)
        t.equal(findAttribute(root, 'in_response_to'), name.startsWith('an id') ? '0' : '0042')
      }
      const nowhere = await send(inbox10(block10(good)), 'none')
      t.equal(status10(nowhere.root), 'UNAUTHORIZED')
      t.same(await server.poll('in'), [], 'nothing of what was refused is there')

      const taken = await send(
        inbox10(
          '<Q:Message>what we saw</Q:Message>' +
            '<Q:Source_Subscription feed_name="x"><Q:Inclusive_End_Timestamp>2026-01-01T00:00:00Z</Q:Inclusive_End_Timestamp></Q:Source_Subscription>' +
            block10(good, stix111, label) +
            block10(
              packageOn(['two.harbour-loaders.com'], 'id="ex:package-2"'),
              stix111,
              '<Q:Padding>xx</Q:Padding>',
            ),
        ),
      )
      t.equal(status10(taken.root), 'SUCCESS')
      t.match(childText(taken.root, 'Message'), '2 content blocks for in')
      const both = ['one.harbour-loaders.com', 'two.harbour-loaders.com']
      t.same(await server.poll('in'), both)
      t.same(await server.poll('second'), [], 'the account may not send there')
      t.same((await validateTaxii(answers)).flat(), [])
      t.same(server.logged, [])
    })
  },
)

// taxii-push hands its Client10 what that does not know, and fails with every server: this is what it means to do.
const cabbyPush = `
import json, sys
import cabby
asked = json.load(sys.stdin)
client = cabby.create_client(discovery_path=asked["discovery"], version="1.0")
client.set_auth(username="admin", password="pass")
client.push(asked["content"], asked["binding"])
`

t.test('inbox_client_10 of libtaxii and the Client10 of cabby push', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const server = await startInboxServer(t, db)
  const file = join(await makeFolder(t), 'package.xml')
  await writeFile(file, packageOn(['libtaxii.harbour-loaders.com'], 'id="ex:libtaxii"'))
  const [libtaxii] = await runPythonPrograms([
    {
      program: 'inbox_client_10',
      args: [
        ...['--url', `${server.url}/taxii-data`, '--username', 'admin', '--pass', 'pass'],
        ...['--content-file', file],
      ],
    },
  ])
  t.match(libtaxii?.stdout, 'Status Type: SUCCESS')
  const cabby = await runPython(
    ['-c', cabbyPush],
    JSON.stringify({
      discovery: `${server.url}/taxii/discovery`,
      content: packageOn(['cabby.harbour-loaders.com'], 'id="ex:cabby"'),
      binding: stix111,
    }),
  )
  t.equal(cabby.code, 0, cabby.stderr)
  const pushed = ['cabby.harbour-loaders.com', 'libtaxii.harbour-loaders.com']
  t.same(await server.poll('in'), pushed)
  t.same(await server.poll('second'), pushed, 'an administrator may send everywhere')
})
