import { formatMicros, parseMicros } from '../../../src/model/micros.ts'
import { findAttribute, type XmlElement } from '../../../src/xml/read.ts'
import {
  type Answer,
  child,
  childText,
  countOnly,
  fulfillment,
  full,
  labelsOf,
  pollRequest,
  statusOf,
} from '../server.ts'
import { type Check, check } from './check.ts'
import { blockCount, pageSize, stix12, stix111, type World } from './world.ts'

const begin = (text: string) => `<t:Exclusive_Begin_Timestamp>${text}</t:Exclusive_Begin_Timestamp>`
const end = (text: string) => `<t:Inclusive_End_Timestamp>${text}</t:Inclusive_End_Timestamp>`
const parameters = (inner: string, attributes = '') =>
  `<t:Poll_Parameters ${attributes}>${inner}</t:Poll_Parameters>`
const binding = (id: string, inner = '') =>
  `<t:Content_Binding binding_id="${id}">${inner}</t:Content_Binding>`
const poll = (world: World, name: string, children = full) =>
  world.post(pollRequest(children, name))
const blocksOf = ({ root }: Answer): readonly XmlElement[] =>
  root.children.filter((one) => one.name === 'Content_Block')
const endOf = ({ root }: Answer) => childText(root, 'Inclusive_End_Timestamp')
const resultIdOf = ({ root }: Answer) => findAttribute(root, 'result_id') ?? ''

export const pollChecks: readonly Check[] = [
  check(
    'a collection that one may not read is not found, as if there were none',
    async (t, world) => {
      const hidden = await poll(world, 'hidden')
      const absent = await poll(world, 'absent')
      t.equal(statusOf(hidden), 'NOT_FOUND ITEM=hidden')
      t.equal(statusOf(absent), 'NOT_FOUND ITEM=absent')
      const words = ({ root }: Answer) => childText(root, 'Message')
      t.equal(words(hidden)?.replace('hidden', 'absent'), words(absent))
    },
  ),

  check('an unknown collection is NOT_FOUND with the item', async (t, world) => {
    t.equal(statusOf(await poll(world, 'absent')), 'NOT_FOUND ITEM=absent')
    t.equal(statusOf(await world.post(fulfillment('a', 1, 'absent'))), 'NOT_FOUND ITEM=absent')
  }),

  check('a begin that is not before the end is a FAILURE', async (t, world) => {
    const moment = '2026-01-01T00:00:00Z'
    const windows = [
      begin(moment) + end(moment),
      begin(moment) + end('2026-01-01T01:00:00+01:00'),
      begin('2026-01-02T00:00:00Z') + end(moment),
    ]
    for (const window of windows) {
      t.equal(statusOf(await poll(world, 'indicators', window + full)), 'FAILURE', window)
    }
  }),

  check('an unknown subscription is NOT_FOUND with the item', async (t, world) => {
    const id = '<t:Subscription_ID>00000000-0000-4000-8000-000000000000</t:Subscription_ID>'
    t.equal(
      statusOf(await poll(world, 'indicators', id)),
      'NOT_FOUND ITEM=00000000-0000-4000-8000-000000000000',
    )
  }),

  check('a binding or subtype that is not there is UNSUPPORTED_CONTENT', async (t, world) => {
    const supported = `UNSUPPORTED_CONTENT SUPPORTED_CONTENT=${stix12} SUPPORTED_CONTENT=${stix111}`
    const asked = [binding('urn:oasis:cap'), binding(stix12, '<t:Subtype subtype_id="x"/>')]
    for (const one of asked) {
      t.equal(statusOf(await poll(world, 'indicators', parameters(one))), supported)
    }
  }),

  check('a poll gets one stream of the bindings that it names', async (t, world) => {
    const ids = async (children: string) => {
      const answer = await poll(world, 'indicators', children)
      const bindings = blocksOf(answer).map((one) => child(one, 'Content_Binding'))
      return [...new Set(bindings.map((one) => one && findAttribute(one, 'binding_id')))]
    }
    t.strictSame(await ids(full), [stix12])
    t.strictSame(await ids(parameters(binding(stix111))), [stix111])
    t.strictSame(await ids(parameters(binding(stix111) + binding(stix12))), [stix12])
  }),

  check('a page has as many blocks as the collection says', async (t, world) => {
    const first = await poll(world, 'paged')
    t.equal(blocksOf(first).length, pageSize)
    t.equal(childText(first.root, 'Record_Count'), String(blockCount))
  }),

  check('parts meet, the last says so, and any can be asked for again', async (t, world) => {
    const whole = await poll(world, 'indicators')
    const first = await poll(world, 'paged')
    const id = resultIdOf(first)
    const parts = [first]
    for (
      let part = 2;
      findAttribute(parts.at(-1)?.root ?? first.root, 'more') === 'true';
      part += 1
    ) {
      parts.push(await world.post(fulfillment(id, part, 'paged')))
    }
    t.equal(parts.length, blockCount / pageSize)
    for (const [index, { root }] of parts.entries()) {
      t.equal(findAttribute(root, 'result_part_number'), String(index + 1))
      t.equal(findAttribute(root, 'result_id'), id)
      const before = parts[index - 1]
      t.equal(childText(root, 'Exclusive_Begin_Timestamp'), before && endOf(before))
    }
    t.equal(parts.flatMap(labelsOf).length, labelsOf(whole).length)
    const again = await world.post(fulfillment(id, 2, 'paged'))
    t.strictSame(labelsOf(again), labelsOf(parts[1] as Answer))
  }),

  check('more comes with a result_id, and only where there is more', async (t, world) => {
    const first = await poll(world, 'paged')
    t.equal(findAttribute(first.root, 'more'), 'true')
    t.not(resultIdOf(first), '')
    const exact = await poll(world, 'exact')
    t.equal(blocksOf(exact).length, blockCount, 'as many as a page holds')
    t.equal(findAttribute(exact.root, 'more'), 'false')
    t.equal(findAttribute(exact.root, 'result_id'), undefined)
    const last = await world.post(fulfillment(resultIdOf(first), blockCount / pageSize, 'paged'))
    t.equal(blocksOf(last).length, pageSize, 'a last part that is full')
    t.equal(findAttribute(last.root, 'more'), 'false')
  }),

  check(
    'a part past the end is an INVALID_RESPONSE_PART, and the set lives on',
    async (t, world) => {
      const id = resultIdOf(await poll(world, 'paged'))
      for (const part of [blockCount / pageSize + 1, 99]) {
        const answer = await world.post(fulfillment(id, part, 'paged'))
        t.equal(statusOf(answer), `INVALID_RESPONSE_PART MAX_PART_NUMBER=${blockCount / pageSize}`)
      }
      t.equal(statusOf(await world.post(fulfillment(id, 0, 'paged'))), 'BAD_MESSAGE')
      t.equal(statusOf(await world.post(fulfillment(id, 3, 'paged'))), 'Poll_Response')
    },
  ),

  check('a result set that is not there is an ASYNCHRONOUS_POLL_ERROR', async (t, world) => {
    t.equal(statusOf(await world.post(fulfillment('a', 1, 'paged'))), 'ASYNCHRONOUS_POLL_ERROR')
    const id = resultIdOf(await poll(world, 'paged'))
    const other = await world.post(fulfillment(id, 1, 'exact'))
    t.equal(statusOf(other), 'ASYNCHRONOUS_POLL_ERROR', 'of another collection')
    const theirs = await world.post(fulfillment(id, 1, 'paged'), { as: 'esa2' })
    t.equal(statusOf(theirs), 'ASYNCHRONOUS_POLL_ERROR', "somebody else's")
  }),

  check('COUNT_ONLY gets the count and no block', async (t, world) => {
    for (const name of ['indicators', 'paged', 'set', 'paged-set']) {
      const answer = await poll(world, name, countOnly)
      t.equal(childText(answer.root, 'Record_Count'), String(blockCount), name)
      t.strictSame(blocksOf(answer), [])
      t.equal(findAttribute(answer.root, 'more'), 'false')
    }
  }),

  check('a Query is an UNSUPPORTED_QUERY', async (t, world) => {
    for (const format of ['urn:taxii.mitre.org:query:default:1.0', 'urn:example:other']) {
      const query = `<t:Query format_id="${format}"><a xmlns="urn:x"/></t:Query>`
      const answer = await poll(world, 'indicators', parameters(query))
      t.equal(answer.status, 200)
      t.equal(statusOf(answer), 'UNSUPPORTED_QUERY')
    }
  }),

  check('a timestamp without a zone or of seven digits is a BAD_MESSAGE', async (t, world) => {
    const moments = ['2026-01-01T00:00:00', '2026-01-01T00:00:00.1234567Z', '2026-01-01', 'now', '']
    for (const moment of moments) {
      t.equal(
        statusOf(await poll(world, 'indicators', begin(moment) + full)),
        'BAD_MESSAGE',
        moment,
      )
      t.equal(statusOf(await poll(world, 'indicators', end(moment) + full)), 'BAD_MESSAGE', moment)
    }
  }),

  check('a poll has a subscription or parameters, and not both', async (t, world) => {
    const subscription = '<t:Subscription_ID>a</t:Subscription_ID>'
    t.equal(statusOf(await poll(world, 'indicators', '')), 'BAD_MESSAGE')
    t.equal(statusOf(await poll(world, 'indicators', subscription + full)), 'BAD_MESSAGE')
  }),

  check('a poll that allows PENDING is answered at once', async (t, world) => {
    for (const allowed of ['true', '1', 'false']) {
      const asynchronous = parameters('', `allow_asynch="${allowed}"`)
      t.equal(statusOf(await poll(world, 'indicators', asynchronous)), 'Poll_Response')
    }
  }),

  check('Delivery_Parameters are refused, as nothing is pushed', async (t, world) => {
    const delivery =
      '<t:Delivery_Parameters><t:Protocol_Binding>p</t:Protocol_Binding><t:Address>a</t:Address>' +
      '<t:Message_Binding>m</t:Message_Binding></t:Delivery_Parameters>'
    const alone = await poll(world, 'indicators', parameters(delivery))
    t.equal(statusOf(alone), 'BAD_MESSAGE', 'without allow_asynch')
    const allowed = parameters(delivery, 'allow_asynch="true"')
    t.match(statusOf(await poll(world, 'indicators', allowed)), /^UNSUPPORTED_PROTOCOL/)
  }),

  check('a feed tells up to when it was considered, asked or not', async (t, world) => {
    const answer = await poll(world, 'indicators')
    t.equal(childText(answer.root, 'Exclusive_Begin_Timestamp'), undefined)
    const considered = parseMicros(endOf(answer) ?? '')
    const labels = labelsOf(answer).map((one) => parseMicros(one ?? ''))
    t.ok(considered !== undefined && labels.every((one) => one !== undefined && one <= considered))
    const empty = await poll(world, 'empty')
    t.equal(childText(empty.root, 'Record_Count'), '0')
    t.ok(endOf(empty))
  }),

  check('what comes later has a later label than any end that was told', async (t, world) => {
    const before = await poll(world, 'indicators')
    await world.publishAnother()
    const after = await poll(world, 'indicators', begin(endOf(before) ?? '') + full)
    t.equal(blocksOf(after).length, 1)
    t.equal(childText(after.root, 'Exclusive_Begin_Timestamp'), endOf(before))
    const later = await poll(world, 'indicators', begin(endOf(after) ?? '') + full)
    t.equal(blocksOf(later).length, 0)
  }),

  check('what is published meanwhile does not shift the parts', async (t, world) => {
    const first = await poll(world, 'paged')
    const id = resultIdOf(first)
    const count = Number(childText(first.root, 'Record_Count'))
    const parts = Array.from({ length: Math.ceil(count / pageSize) }, (_, index) => index + 1)
    const read = () =>
      Promise.all(parts.map((part) => world.post(fulfillment(id, part, 'paged')))).then((all) =>
        all.map(labelsOf),
      )
    const before = await read()
    await world.publishAnother()
    t.strictSame(await read(), before)
    t.strictSame(before[0], labelsOf(first))
    const labels = before.flat()
    t.equal(new Set(labels).size, count)
    t.equal(labels.length, count)
  }),

  check('a data set ignores times and tells none', async (t, world) => {
    const future = formatMicros((Date.now() + 86_400_000) * 1000)
    for (const window of ['', begin(future), end('1999-01-01T00:00:00Z')]) {
      const answer = await poll(world, 'set', window + full)
      const whole = await poll(world, 'indicators', countOnly)
      t.equal(String(blocksOf(answer).length), childText(whole.root, 'Record_Count'), window)
      for (const name of ['Exclusive_Begin_Timestamp', 'Inclusive_End_Timestamp']) {
        t.equal(child(answer.root, name), undefined, name)
      }
      t.ok(blocksOf(answer).every((one) => child(one, 'Timestamp_Label') === undefined))
    }
  }),

  check('a data set comes in parts as a feed does, without times', async (t, world) => {
    const first = await poll(world, 'paged-set')
    const count = Number(childText(first.root, 'Record_Count'))
    const parts = [first]
    for (
      let part = 2;
      findAttribute(parts.at(-1)?.root ?? first.root, 'more') === 'true';
      part += 1
    ) {
      parts.push(await world.post(fulfillment(resultIdOf(first), part, 'paged-set')))
    }
    t.equal(parts.flatMap(blocksOf).length, count)
    t.equal(parts.length, Math.ceil(count / pageSize))
    for (const { body } of parts) t.notMatch(body, /_Timestamp>|Timestamp_Label>/)
  }),
]
