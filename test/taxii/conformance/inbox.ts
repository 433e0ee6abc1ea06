import { parseMicros } from '../../../src/model/micros.ts'
import { childText, full, labelsOf, pollRequest, request, statusOf } from '../server.ts'
import { type Check, check } from './check.ts'
import { type AccountName, stix12, stix111, type World } from './world.ts'

let domains = 0
const newDomain = () => `sent-${domains++}.harbour-loaders.com`

/** A package with an indicator for each of these domains, as new as can be: what is old is not published. */
function packageOf(...values: readonly string[]): string {
  const id = (what: string) => `ex:${what}-${crypto.randomUUID()}`
  const now = new Date().toISOString()
  const indicators = values
    .map(
      (value) =>
        `<s:Indicator id="${id('Indicator')}" timestamp="${now}" x:type="i:IndicatorType">` +
        `<i:Title>Seen</i:Title><i:Observable id="${id('Observable')}"><c:Object id="${id('Object')}">` +
        `<c:Properties x:type="d:DomainNameObjectType" type="FQDN"><d:Value condition="Equals">${value}</d:Value>` +
        '</c:Properties></c:Object></i:Observable></s:Indicator>',
    )
    .join('')
  return (
    '<s:STIX_Package xmlns:s="http://stix.mitre.org/stix-1" xmlns:i="http://stix.mitre.org/Indicator-2" ' +
    'xmlns:c="http://cybox.mitre.org/cybox-2" xmlns:d="http://cybox.mitre.org/objects#DomainNameObject-1" ' +
    'xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xmlns:ex="http://example.org/" ' +
    `id="${id('Package')}" timestamp="${now}" version="1.2"><s:Indicators>${indicators}</s:Indicators></s:STIX_Package>`
  )
}

const block = (content: string, binding = stix12, more = '') =>
  `<t:Content_Block><t:Content_Binding binding_id="${binding}"/><t:Content>${content}</t:Content>${more}</t:Content_Block>`

const to = (...names: readonly string[]) =>
  names
    .map((name) => `<t:Destination_Collection_Name>${name}</t:Destination_Collection_Name>`)
    .join('')

const push = (world: World, inner: string, as: AccountName = 'sensor') =>
  world.post(request('Inbox_Message', '', inner), { as, path: '/taxii/inbox' })

/** Those of these values that a poll of the collection finds. */
async function polled(world: World, name: string, values: readonly string[]) {
  const { body } = await world.post(pollRequest(full, name), { as: 'root' })
  return values.filter((value) => body.includes(`>${value}<`))
}

export const inboxChecks: readonly Check[] = [
  check('what is sent to an inbox is polled from its collection', async (t, world) => {
    const values = [newDomain(), newDomain()]
    const answer = await push(world, to('inbox') + block(packageOf(...values)))
    t.equal(statusOf(answer), 'SUCCESS', answer.body)
    t.strictSame(await polled(world, 'inbox', values), values)
    t.strictSame(await polled(world, 'second-inbox', values), [])
  }),

  check('a message goes to each of its destinations', async (t, world) => {
    const values = [newDomain()]
    const answer = await push(world, to('inbox', 'second-inbox') + block(packageOf(...values)))
    t.equal(statusOf(answer), 'SUCCESS')
    for (const name of ['inbox', 'second-inbox']) {
      t.strictSame(await polled(world, name, values), values, name)
    }
  }),

  check('STIX 1.1.1 is taken as STIX 1.2 is', async (t, world) => {
    const values = [newDomain()]
    const content = packageOf(...values).replace('version="1.2"', 'version="1.1.1"')
    t.equal(statusOf(await push(world, to('inbox') + block(content, stix111))), 'SUCCESS')
    t.strictSame(await polled(world, 'inbox', values), values)
  }),

  check('an inbox that one may not write is UNAUTHORIZED', async (t, world) => {
    const content = block(packageOf(newDomain()))
    for (const name of ['others-inbox', 'indicators']) {
      const answer = await push(world, to(name) + content)
      t.equal(statusOf(answer), 'UNAUTHORIZED', name)
      t.equal(answer.status, 200)
    }
    t.equal(statusOf(await push(world, to('drop-box') + content)), 'SUCCESS', 'written, not read')
    const closed = await push(world, to('no-inbox') + content)
    t.match(statusOf(closed), /^DESTINATION_COLLECTION_ERROR ACCEPTABLE_DESTINATION=drop-box/)
  }),

  check('a missing destination is a DESTINATION_COLLECTION_ERROR', async (t, world) => {
    const answer = await push(world, block(packageOf(newDomain())))
    const [type, ...destinations] = statusOf(answer).split(' ')
    t.equal(type, 'DESTINATION_COLLECTION_ERROR')
    t.strictSame(
      destinations.toSorted(),
      ['drop-box', 'inbox', 'second-inbox'].map((name) => `ACCEPTABLE_DESTINATION=${name}`),
    )
  }),

  check(
    'a destination where none may be named is a DESTINATION_COLLECTION_ERROR',
    async (t, world) => {
      const prohibiting = await world.serveAgain({ TAXIWAY_INBOX_DESTINATION: 'prohibited' })
      const [value, other] = [newDomain(), newDomain()]
      const answer = await push(prohibiting, to('inbox') + block(packageOf(value)))
      t.match(statusOf(answer), /^DESTINATION_COLLECTION_ERROR/)
      t.strictSame(await polled(world, 'inbox', [value]), [])
      t.equal(statusOf(await push(prohibiting, block(packageOf(other)))), 'SUCCESS')
      for (const name of ['inbox', 'second-inbox', 'drop-box']) {
        t.strictSame(await polled(world, name, [other]), [other], name)
      }
      t.strictSame(await polled(world, 'others-inbox', [other]), [])
    },
  ),

  check('an unknown destination is NOT_FOUND, and nothing is kept', async (t, world) => {
    const value = newDomain()
    for (const name of ['absent', 'hidden']) {
      const answer = await push(world, to('inbox', name) + block(packageOf(value)))
      t.equal(statusOf(answer), `NOT_FOUND ITEM=${name}`)
    }
    t.strictSame(await polled(world, 'inbox', [value]), [])
  }),

  check('a block of a binding that is not taken is UNSUPPORTED_CONTENT', async (t, world) => {
    const value = newDomain()
    const content = block(packageOf(value)) + block('<a xmlns="urn:a"/>', 'urn:oasis:cap')
    const answer = await push(world, to('inbox') + content)
    t.match(
      statusOf(answer),
      /^UNSUPPORTED_CONTENT .*SUPPORTED_CONTENT=urn:stix\.mitre\.org:xml:1\.2/,
    )
    t.strictSame(await polled(world, 'inbox', [value]), [], 'the whole message is discarded')
  }),

  check('one block that is not STIX discards the whole message', async (t, world) => {
    const value = newDomain()
    for (const content of ['<a xmlns="urn:a"/>', 'text', '']) {
      const answer = await push(world, to('inbox') + block(packageOf(value)) + block(content))
      t.notMatch(statusOf(answer), /^(SUCCESS|FAILURE internal)/, content)
      t.match(childText(answer.root, 'Message'), /block 2|second/i, 'it says which')
    }
    const broken = request('Inbox_Message', '', to('inbox') + block(packageOf(value)))
    const cut = await world.post(broken.slice(0, -30), { as: 'sensor' })
    t.equal(statusOf(cut), 'BAD_MESSAGE')
    t.strictSame(await polled(world, 'inbox', [value]), [])
  }),

  check('the label of a block that is sent is not kept', async (t, world) => {
    const before = await world.post(pollRequest(full, 'inbox'), { as: 'sensor' })
    const end = childText(before.root, 'Inclusive_End_Timestamp') ?? ''
    const value = newDomain()
    const label = '<t:Timestamp_Label>1999-01-01T00:00:00Z</t:Timestamp_Label>'
    t.equal(
      statusOf(await push(world, to('inbox') + block(packageOf(value), stix12, label))),
      'SUCCESS',
    )
    const begin = `<t:Exclusive_Begin_Timestamp>${end}</t:Exclusive_Begin_Timestamp>`
    const after = await world.post(pollRequest(begin + full, 'inbox'), { as: 'sensor' })
    const labels = labelsOf(after).map((one) => parseMicros(one ?? '') ?? 0)
    t.ok(after.body.includes(`>${value}<`))
    t.ok(labels.every((one) => one > (parseMicros(end) ?? Number.POSITIVE_INFINITY)))
  }),

  check('what the schema allows beside the content of a message is taken', async (t, world) => {
    const [value, other] = [newDomain(), newDomain()]
    const source =
      '<t:Source_Subscription collection_name="theirs"><t:Subscription_ID>a</t:Subscription_ID>' +
      '<t:Exclusive_Begin_Timestamp>2026-01-01T00:00:00Z</t:Exclusive_Begin_Timestamp>' +
      '<t:Inclusive_End_Timestamp>2026-01-02T00:00:00+01:00</t:Inclusive_End_Timestamp></t:Source_Subscription>'
    const count = '<t:Record_Count partial_count="true">7</t:Record_Count>'
    const more =
      '<t:Timestamp_Label>2026-01-01T00:00:00.5Z</t:Timestamp_Label><t:Message>m</t:Message><t:Padding>xx</t:Padding>' +
      '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"><d:SignedInfo/></d:Signature>'
    const inner =
      '<t:Extended_Headers><t:Extended_Header name="urn:h">a</t:Extended_Header></t:Extended_Headers>' +
      `${to('inbox')}<t:Message>Two</t:Message>${source}${count}` +
      `${block(packageOf(value), stix12, more)}\n${block(packageOf(other))}`
    const message = request('Inbox_Message', 'result_id="urn:r"', inner)
    const answer = await world.post(message, { as: 'sensor' })
    t.equal(statusOf(answer), 'SUCCESS', answer.body)
    t.strictSame(await polled(world, 'inbox', [value, other]), [value, other])
    t.equal(statusOf(await push(world, to('inbox'))), 'SUCCESS', 'a message without a block')
  }),

  check('a block of a subtype is UNSUPPORTED_CONTENT', async (t, world) => {
    const content = block(packageOf(newDomain())).replace(
      '/><t:Content>',
      '><t:Subtype subtype_id="urn:s"/></t:Content_Binding><t:Content>',
    )
    t.match(statusOf(await push(world, to('inbox') + content)), /^UNSUPPORTED_CONTENT /)
  }),

  check('a message sent again changes nothing', async (t, world) => {
    const inner = to('inbox') + block(packageOf(newDomain()))
    t.equal(statusOf(await push(world, inner)), 'SUCCESS')
    const labels = labelsOf(await world.post(pollRequest(full, 'inbox'), { as: 'sensor' }))
    t.equal(statusOf(await push(world, inner.replaceAll('t:Content', 't:Content'))), 'SUCCESS')
    const again = labelsOf(await world.post(pollRequest(full, 'inbox'), { as: 'sensor' }))
    t.strictSame(again, labels)
  }),

  check('a package is taken in behind comments and white space', async (t, world) => {
    const values = [newDomain()]
    const content = `\n <!-- a watchlist -->\n${packageOf(...values)}\n<!-- end -->\n`
    t.equal(statusOf(await push(world, to('inbox') + block(content))), 'SUCCESS')
    t.strictSame(await polled(world, 'inbox', values), values)
  }),

  check('of a Content with two elements nothing is lost in silence', async (t, world) => {
    const values = [newDomain(), newDomain()]
    const content = values.map((value) => packageOf(value)).join('')
    const answer = await push(world, to('inbox') + block(content))
    const found = await polled(world, 'inbox', values)
    t.strictSame(found, statusOf(answer) === 'SUCCESS' ? values : [])
  }),
]
