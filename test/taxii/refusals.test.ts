import t from 'tap'
import { findAttribute } from '../../src/xml/read.ts'
import { validateTaxii } from '../helpers/python.ts'
import { collection } from './memory-feed.ts'
import {
  countOnly,
  full,
  namespace,
  pollRequest,
  request,
  startServer,
  statusOf,
} from './server.ts'

const server = await startServer(t)
server.feed.collections.push(collection())

const begin = (text: string) => `<t:Exclusive_Begin_Timestamp>${text}</t:Exclusive_Begin_Timestamp>`
const end = (text: string) => `<t:Inclusive_End_Timestamp>${text}</t:Inclusive_End_Timestamp>`
const subscription = '<t:Subscription_ID>s-1</t:Subscription_ID>'
const parameters = (inner: string, attributes = '') =>
  `<t:Poll_Parameters ${attributes}>${inner}</t:Poll_Parameters>`
const binding = (id: string, inner = '') =>
  `<t:Content_Binding binding_id="${id}">${inner}</t:Content_Binding>`
const delivery =
  '<t:Delivery_Parameters><t:Protocol_Binding>p</t:Protocol_Binding><t:Address>a</t:Address>' +
  '<t:Message_Binding>m</t:Message_Binding></t:Delivery_Parameters>'
const query = '<t:Query format_id="urn:taxii.mitre.org:query:default:1.0"><x/></t:Query>'
const stix12 = 'urn:stix.mitre.org:xml:1.2'
const supported = `SUPPORTED_CONTENT=${stix12} SUPPORTED_CONTENT=urn:stix.mitre.org:xml:1.1.1`

/** message → the status that answers it; '0' where the message's id cannot be known */
const messages: [string, string, string, string?][] = [
  ['an empty body', '', 'BAD_MESSAGE', '0'],
  ['malformed XML', '<a', 'BAD_MESSAGE', '0'],
  ['HTML', '<html><p>no</html>', 'BAD_MESSAGE', '0'],
  ['XML broken after its beginning', pollRequest().slice(0, -5), 'BAD_MESSAGE'],
  ['a DOCTYPE', `<!DOCTYPE x>${pollRequest()}`, 'BAD_MESSAGE', '0'],
  ['an undeclared prefix', pollRequest('<u:a/>'), 'BAD_MESSAGE'],
  ['two roots', pollRequest() + pollRequest(), 'BAD_MESSAGE'],
  ['no message_id', pollRequest().replace('message_id="m-1"', ''), 'BAD_MESSAGE', '0'],
  ['an empty message_id', pollRequest().replace('"m-1"', '""'), 'BAD_MESSAGE', '0'],
  ['no namespace', '<Discovery_Request message_id="m-1"/>', 'BAD_MESSAGE'],
  [
    'the namespace of TAXII 1.0',
    '<Discovery_Request xmlns="http://taxii.mitre.org/messages/taxii_xml_binding-1" message_id="m-1"/>',
    'BAD_MESSAGE',
    '0',
  ],
  ['an unknown message', request('Poll_Requests'), 'BAD_MESSAGE'],
  [
    'a response',
    request('Status_Message', 'in_response_to="0" status_type="SUCCESS"'),
    'BAD_MESSAGE',
  ],
  ['an unknown attribute', request('Discovery_Request', 'shape="round"'), 'BAD_MESSAGE'],
  ['an unknown element', request('Discovery_Request', '', '<t:More/>'), 'BAD_MESSAGE'],
  ['text between elements', request('Discovery_Request', '', 'hello'), 'BAD_MESSAGE'],
  ['no collection_name', request('Poll_Request', '', full), 'BAD_MESSAGE'],
  ['an unknown collection', pollRequest(full, 'absent'), 'NOT_FOUND ITEM=absent'],
  ['neither subscription nor parameters', pollRequest(''), 'BAD_MESSAGE'],
  ['both subscription and parameters', pollRequest(subscription + full), 'BAD_MESSAGE'],
  ['parameters twice', pollRequest(full + full), 'BAD_MESSAGE'],
  ['an unknown subscription', pollRequest(subscription), 'NOT_FOUND ITEM=s-1'],
  ['a naive timestamp', pollRequest(begin('2026-01-01T00:00:00') + full), 'BAD_MESSAGE'],
  ['seven digits', pollRequest(end('2026-01-01T00:00:00.1234567Z') + full), 'BAD_MESSAGE'],
  ['30 February', pollRequest(begin('2026-02-30T00:00:00Z') + full), 'BAD_MESSAGE'],
  ['an empty timestamp', pollRequest(begin('') + full), 'BAD_MESSAGE'],
  [
    'the end before the begin in the message',
    pollRequest(end('2026-01-02T00:00:00Z') + begin('2026-01-01T00:00:00Z') + full),
    'BAD_MESSAGE',
  ],
  [
    'a begin that is the end',
    pollRequest(begin('2026-01-01T00:00:00Z') + end('2026-01-01T01:00:00+01:00') + full),
    'FAILURE',
  ],
  [
    'a begin after the end',
    pollRequest(begin('2026-01-02T00:00:00Z') + end('2026-01-01T00:00:00Z') + full),
    'FAILURE',
  ],
  [
    'an unknown Response_Type',
    pollRequest(parameters('<t:Response_Type>ALL</t:Response_Type>')),
    'BAD_MESSAGE',
  ],
  ['a binding without its id', pollRequest(parameters('<t:Content_Binding/>')), 'BAD_MESSAGE'],
  [
    'an unsupported binding',
    pollRequest(parameters(binding('urn:oasis:cap'))),
    `UNSUPPORTED_CONTENT ${supported}`,
  ],
  [
    'a subtype of a supported binding',
    pollRequest(parameters(binding(stix12, '<t:Subtype subtype_id="x"/>'))),
    `UNSUPPORTED_CONTENT ${supported}`,
  ],
  ['a query', pollRequest(parameters(query)), 'UNSUPPORTED_QUERY'],
  ['allow_asynch="perhaps"', pollRequest(parameters('', 'allow_asynch="perhaps"')), 'BAD_MESSAGE'],
  ['a delivery address without allow_asynch', pollRequest(parameters(delivery)), 'BAD_MESSAGE'],
  [
    'a delivery address',
    pollRequest(parameters(delivery, 'allow_asynch="true"')),
    'UNSUPPORTED_PROTOCOL',
  ],
  [
    'a delivery address that is not complete',
    pollRequest(
      parameters(delivery.replace('<t:Address>a</t:Address>', ''), 'allow_asynch="true"'),
    ),
    'BAD_MESSAGE',
  ],
  [
    'a fulfilment without its result_id',
    request('Poll_Fulfillment', 'collection_name="urls" result_part_number="2"'),
    'BAD_MESSAGE',
  ],
  [
    'part 0',
    request('Poll_Fulfillment', 'collection_name="urls" result_id="x" result_part_number="0"'),
    'BAD_MESSAGE',
  ],
  [
    'an unknown result set',
    request('Poll_Fulfillment', 'collection_name="urls" result_id="x" result_part_number="2"'),
    'ASYNCHRONOUS_POLL_ERROR',
  ],
  ['a push', request('Inbox_Message'), 'FAILURE'],
]

for (const [name, message, status, inResponseTo = 'm-1'] of messages) {
  t.test(
    `${name} is answered by ${status.split(' ')[0]}, and the next request as ever`,
    async (t) => {
      const answer = await server.post(message)
      t.equal(statusOf(answer), status)
      t.equal(answer.status, 200)
      t.equal(findAttribute(answer.root, 'in_response_to'), inResponseTo)
      t.equal(statusOf(await server.post(pollRequest(countOnly))), 'Poll_Response')
    },
  )
}

const accepted: [string, string | Buffer][] = [
  [
    'a default namespace',
    `<Poll_Request xmlns="${namespace}" message_id="m-1" collection_name="urls"><Poll_Parameters/></Poll_Request>`,
  ],
  [
    'white space, comments and CDATA',
    pollRequest(`\n <!-- now --> ${full.replace('FULL', ' <![CDATA[FULL]]>\n')} \n`),
  ],
  ['an empty Response_Type', pollRequest(parameters('<t:Response_Type/>'))],
  [
    'extended headers',
    pollRequest(
      `<t:Extended_Headers><t:Extended_Header name="a"><b/></t:Extended_Header></t:Extended_Headers>${full}`,
    ),
  ],
  [
    'a signature',
    pollRequest(
      `${full}<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"><d:X/></d:Signature>`,
    ),
  ],
  [
    'a schema location',
    pollRequest(full).replace(
      'message_id',
      'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a b" message_id',
    ),
  ],
  ['allow_asynch', pollRequest(parameters('', 'allow_asynch="1"'))],
  ['a begin alone, with an offset', pollRequest(begin('2026-01-01T00:00:00.123456+05:30') + full)],
  ['an end alone', pollRequest(end('2026-01-01T00:00:00Z') + full)],
  ['UTF-16', Buffer.from(`\ufeff${pollRequest()}`, 'utf16le')],
]

for (const [name, message] of accepted) {
  t.test(`${name} is understood`, async (t) => {
    t.equal(
      statusOf(await server.post(typeof message === 'string' ? message : new Uint8Array(message))),
      'Poll_Response',
    )
  })
}

t.test('what a client wrote comes back escaped', async (t) => {
  const message = pollRequest(full, '&lt;/x>&quot;&amp;').replace('"m-1"', '"&lt;m>&quot;&amp;\'"')
  const answer = await server.post(message)
  t.equal(statusOf(answer), 'NOT_FOUND ITEM=</x>"&')
  t.equal(findAttribute(answer.root, 'in_response_to'), '<m>"&\'')
})

t.test('every answer was valid by the TAXII 1.1 schema', async (t) => {
  t.strictSame((await validateTaxii(server.answers)).flat(), [])
})
