import t from 'tap'
import { readXml, XmlError } from '../../src/xml/read.ts'
import { makeCase } from '../faults/xml-cases.ts'
import { runPython } from '../helpers/python.ts'

const seed = 20_260_777
const cases = 1_500
const known = { collections: ['all'], inboxes: ['pushed'] }

/** libxml2, without entities and the network. */
const program = `
import base64, sys
from lxml import etree
for line in sys.stdin:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        etree.fromstring(base64.b64decode(line), parser)
        print('accepted')
    except Exception as error:
        print(' '.join(str(error).split()))
`

function isAccepted(bytes: Uint8Array): boolean {
  try {
    readXml(bytes, { maxDepth: 2_000, maxElements: 1_000_000 })
    return true
  } catch (error) {
    if (error instanceof XmlError) return false
    throw error
  }
}

t.test('nothing is accepted that libxml2 refuses', async (t) => {
  const documents = Array.from({ length: cases }, (_, number) => makeCase(seed, number, known))
    .filter(({ kind, body }) => kind !== 'sound' && body.length > 0 && body.length < 50_000)
    .map(({ body }) => body)
  const input = documents.map((one) => `${one.toString('base64')}\n`).join('')
  const { stdout, stderr, code } = await runPython(['-c', program], input)
  t.equal(code, 0, stderr)
  const answers = stdout.trimEnd().split('\n')
  t.equal(answers.length, documents.length)
  const accepted = documents.map((document, at) => ({
    ours: isAccepted(document),
    theirs: answers[at] ?? '',
    document,
  }))
  const looser = accepted.filter(
    // That a namespace's name is a URI is no matter of being well-formed.
    ({ ours, theirs }) => ours && theirs !== 'accepted' && !theirs.includes('not a valid URI'),
  )
  t.strictSame(
    looser.map(({ theirs, document }) => [theirs, document.toString('latin1')]),
    [],
  )
  // Both have something to do.
  t.ok(accepted.filter(({ ours }) => ours).length > 100)
  t.ok(accepted.filter(({ ours }) => !ours).length > 100)
})
