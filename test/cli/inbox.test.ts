import t from 'tap'
import type { InboxBlock } from '../../src/admin/inbox-schema.ts'
import { formatInboxBlock } from '../../src/cli/inbox.ts'

t.test('what was sent cannot move the cursor of whoever looks at it', (t) => {
  const block: InboxBlock = {
    id: 1,
    receivedAt: '2026-06-01T00:00:00.000Z',
    account: 'sensor',
    messageId: 'm\u{9b}2J',
    sentTo: ['in'],
    contentBinding: 'urn:stix.mitre.org:xml:1.2',
    packageId: 'ex:\u{9b}31m\u{202e}',
    digest: 'a'.repeat(64),
    size: 100,
    outcome: 'not-understood',
    observables: 0,
    notUnderstood: 0,
    detail: 'nothing',
    isKept: false,
  }
  const text = formatInboxBlock(block)
  t.match(text, 'm\\u{9b}2J')
  t.match(text, 'ex:\\u{9b}31m\\u{202e}')
  t.notMatch(text, /[\u0080-\u009f\u202e]/)
  t.end()
})
