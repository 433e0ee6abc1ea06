import type { Collection, Rule } from './collection.ts'
import { ruleLeaves } from './rule-words.ts'

const accountPrefix = 'account:'

/** The source of what an account sent by Inbox_Messages. Accounts' names hold no colon. */
export function accountSource(accountName: string): string {
  return `${accountPrefix}${accountName}`
}

/** @returns the account whose Inbox_Messages the source is; undefined: it is an upstream */
export function findAccountOfSource(source: string): string | undefined {
  return source.startsWith(accountPrefix) ? source.slice(accountPrefix.length) : undefined
}

/**
 * Whether a rule speaks of Inbox_Messages, by `sentTo` or by an account as source. Only then does it select
 * what came by them: who may write to one collection shall not reach the clients of the others.
 */
export function namesInbox(rule: Rule): boolean {
  return ruleLeaves(rule).some((leaf) => {
    if ('sentTo' in leaf) return true
    if (!('source' in leaf)) return false
    const sources = typeof leaf.source === 'string' ? [leaf.source] : leaf.source
    return sources.some((source) => findAccountOfSource(source) !== undefined)
  })
}

/** Whether a collection holds what was sent to these by Inbox_Messages, whatever its rule says. */
export function takesSent(
  { name, inbox }: Pick<Collection, 'name' | 'inbox'>,
  sentTo: readonly string[],
): boolean {
  return inbox && sentTo.includes(name)
}
