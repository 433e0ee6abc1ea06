import { findAttribute } from '../../../src/xml/read.ts'
import { full, pollRequest, request, statusOf } from '../server.ts'
import { type Check, check } from './check.ts'

const discovery = request('Discovery_Request')
const information = request('Collection_Information_Request')
const manage = (attributes: string, inner = '') =>
  request('Subscription_Management_Request', attributes, inner)
const fulfil = (attributes: string) => request('Poll_Fulfillment', attributes)

/** Well-formed, and not of the schema. */
const invalid: Readonly<Record<string, string>> = {
  'no message_id': discovery.replace('message_id="m-1"', ''),
  'no namespace': '<Discovery_Request message_id="m-1"/>',
  'an unknown message': request('Discover_Request'),
  'an unknown attribute': request('Discovery_Request', 'extra="1"'),
  'an unknown element': request('Discovery_Request', '', '<t:More/>'),
  'an element of another namespace': request('Discovery_Request', '', '<m:More xmlns:m="urn:m"/>'),
  'text between elements': request('Collection_Information_Request', '', 'text'),
  'a collection that was not named': request('Poll_Request', '', full),
  'elements out of order': pollRequest(
    `${full}<t:Inclusive_End_Timestamp>2026-01-01T00:00:00Z</t:Inclusive_End_Timestamp>`,
  ),
  'extended headers at the end': request(
    'Discovery_Request',
    '',
    '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/><t:Extended_Headers/>',
  ),
  'an unknown Response_Type': pollRequest(
    '<t:Poll_Parameters><t:Response_Type>SOME</t:Response_Type></t:Poll_Parameters>',
  ),
  'allow_asynch that is no boolean': pollRequest('<t:Poll_Parameters allow_asynch="maybe"/>'),
  'a fulfilment without its result': fulfil('collection_name="paged" result_part_number="1"'),
  'a part that is no number': fulfil(
    'collection_name="paged" result_id="a" result_part_number="one"',
  ),
  'an unknown action': manage('collection_name="empty" action="RENEW"'),
  'no action': manage('collection_name="empty"'),
  'a block without its binding': request(
    'Inbox_Message',
    '',
    '<t:Destination_Collection_Name>inbox</t:Destination_Collection_Name><t:Content_Block><t:Content/></t:Content_Block>',
  ),
  'a Record_Count that is no number': request(
    'Inbox_Message',
    '',
    '<t:Destination_Collection_Name>inbox</t:Destination_Collection_Name><t:Record_Count>many</t:Record_Count>',
  ),
}

export const messageChecks: readonly Check[] = [
  check('what is not well-formed is a BAD_MESSAGE', async (t, world) => {
    for (const body of [
      '',
      '<',
      'text',
      '<a',
      '<a></b>',
      `${discovery}<x/>`,
      pollRequest('<u:a/>'),
    ]) {
      const answer = await world.post(body, { as: 'sensor' })
      t.equal(answer.status, 200)
      t.equal(statusOf(answer), 'BAD_MESSAGE', body)
    }
  }),

  check('what is not of the schema is a BAD_MESSAGE', async (t, world) => {
    for (const [what, body] of Object.entries(invalid)) {
      const answer = await world.post(body, { as: 'sensor' })
      t.equal(statusOf(answer), 'BAD_MESSAGE', what)
      const id = what === 'no message_id' ? '0' : 'm-1'
      t.equal(findAttribute(answer.root, 'in_response_to'), id, what)
    }
  }),

  check('a DOCTYPE of any kind is a BAD_MESSAGE', async (t, world) => {
    const doctypes = [
      '<!DOCTYPE a>',
      '<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd">',
      '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    ]
    for (const doctype of doctypes) {
      t.equal(statusOf(await world.post(doctype + information)), 'BAD_MESSAGE', doctype)
    }
  }),

  check('Extended_Headers and a Signature are passed over', async (t, world) => {
    const headers =
      '<t:Extended_Headers><t:Extended_Header name="urn:h"><a xmlns="urn:a"/></t:Extended_Header></t:Extended_Headers>'
    const signature =
      '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"><d:X/></d:Signature>'
    const answer = await world.post(request('Discovery_Request', '', headers + signature))
    t.equal(statusOf(answer), 'Discovery_Response')
  }),
]
