import t from 'tap'
import { findAttribute } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection } from './memory-feed.ts'
import { full, pollRequest, startServer, statusOf } from './server.ts'

const server = await startServer(t, { maxTreeBytes: 20_000 })
server.feed.collections.push(collection())

const unsupported =
  'UNSUPPORTED_MESSAGE SUPPORTED_BINDING=urn:taxii.mitre.org:message:xml:1.1 SUPPORTED_BINDING=urn:taxii.mitre.org:message:xml:1.0'

const headerCases: [string, Record<string, string | undefined>, number, string][] = [
  ['Accept: text/html', { Accept: 'text/html' }, 406, unsupported],
  ['Accept: application/xml;q=0', { Accept: 'application/xml;q=0' }, 406, unsupported],
  ['Accept: text/html, */*;q=0.1', { Accept: 'text/html, */*;q=0.1' }, 200, 'Poll_Response'],
  [
    'no Accept and no X-TAXII-Accept',
    { Accept: undefined, 'X-TAXII-Accept': undefined },
    200,
    'Poll_Response',
  ],
  ['no X-TAXII-Content-Type', { 'X-TAXII-Content-Type': undefined }, 200, 'BAD_MESSAGE'],
  [
    'X-TAXII-Content-Type of TAXII 1.0',
    { 'X-TAXII-Content-Type': 'urn:taxii.mitre.org:message:xml:1.0' },
    200,
    'BAD_MESSAGE',
  ],
  [
    'an unknown X-TAXII-Services',
    { 'X-TAXII-Services': 'urn:taxii.mitre.org:services:9' },
    200,
    'FAILURE',
  ],
  [
    'no X-TAXII-Services and no X-TAXII-Protocol',
    { 'X-TAXII-Services': undefined, 'X-TAXII-Protocol': undefined },
    200,
    'Poll_Response',
  ],
  [
    'the protocol of another transport',
    { 'X-TAXII-Protocol': 'urn:taxii.mitre.org:protocol:https:1.0' },
    200,
    'FAILURE',
  ],
  [
    'an unknown X-TAXII-Accept',
    { 'X-TAXII-Accept': 'urn:taxii.mitre.org:message:json:9' },
    200,
    'FAILURE',
  ],
  [
    'a list as X-TAXII-Accept',
    { 'X-TAXII-Accept': 'urn:taxii.mitre.org:message:xml:2.0 urn:taxii.mitre.org:message:xml:1.1' },
    200,
    'Poll_Response',
  ],
  ['Content-Type: application/json', { 'Content-Type': 'application/json' }, 415, unsupported],
  ['no Content-Type', { 'Content-Type': '' }, 415, unsupported],
  [
    'a charset that is not Unicode',
    { 'Content-Type': 'application/xml; charset=iso-8859-1' },
    415,
    unsupported,
  ],
  [
    'Content-Type: text/xml; charset="UTF-8"',
    { 'Content-Type': 'text/xml; charset="UTF-8"' },
    200,
    'Poll_Response',
  ],
  [
    'Content-Type: Application/XML;charset=utf-8',
    { 'Content-Type': 'Application/XML;charset=utf-8' },
    200,
    'Poll_Response',
  ],
]

for (const [name, headers, httpStatus, status] of headerCases) {
  t.test(`${name}: ${httpStatus} ${status.split(' ')[0]}`, async (t) => {
    const answer = await server.post(pollRequest(), { headers })
    t.equal(answer.status, httpStatus)
    t.equal(statusOf(answer), status)
    t.equal(answer.headers.get('x-taxii-content-type'), 'urn:taxii.mitre.org:message:xml:1.1')
    // At 415 the message has not been read.
    t.equal(findAttribute(answer.root, 'in_response_to'), httpStatus === 415 ? '0' : 'm-1')
  })
}

t.test(
  'a message beyond the limit is a 413 with a BAD_MESSAGE, and the server goes on',
  async (t) => {
    const answer = await server.post(pollRequest(`<!--${'x'.repeat(20_000)}-->${full}`))
    t.equal(answer.status, 413)
    t.equal(statusOf(answer), 'BAD_MESSAGE')
    t.equal(statusOf(await server.post(pollRequest())), 'Poll_Response')
  },
)

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
