import t from 'tap'
import type { Rule } from '../../src/model/collection.ts'
import { accountSource, namesInbox, takesSent } from '../../src/model/selection.ts'

t.test(
  'a rule asks for Inbox_Messages where it names them, and not where it leaves them out',
  async (t) => {
    const rules: readonly [rule: Rule, asks: boolean][] = [
      [{ all: [] }, false],
      [{ type: 'domain' }, false],
      [{ source: 'otx' }, false],
      [{ source: accountSource('sensor') }, true],
      [{ source: ['otx', accountSource('sensor')] }, true],
      [{ sentTo: 'partners' }, true],
      [{ not: { sentTo: 'partners' } }, false],
      [{ not: { source: accountSource('sensor') } }, false],
      [{ not: { source: 'otx' } }, false],
      [{ not: { not: { sentTo: 'partners' } } }, true],
      [{ all: [{ type: 'domain' }, { any: [{ tag: 'x' }, { sentTo: 'partners' }] }] }, true],
      [
        { all: [{ type: 'domain' }, { not: { any: [{ tag: 'x' }, { sentTo: 'partners' }] } }] },
        false,
      ],
    ]
    for (const [rule, asks] of rules) t.equal(namesInbox(rule), asks, JSON.stringify(rule))
  },
)

t.test('a collection takes what was sent to it, if it has an inbox', async (t) => {
  t.equal(takesSent({ name: 'in', inbox: true }, ['other', 'in']), true)
  t.equal(takesSent({ name: 'in', inbox: true }, ['other']), false)
  t.equal(takesSent({ name: 'in', inbox: false }, ['in']), false)
})
