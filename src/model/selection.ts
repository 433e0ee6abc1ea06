import type { Collection, Rule } from './collection.ts'

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
 * Whether a rule asks for Inbox_Messages, by `sentTo` or by an account as source; to leave some out is not to ask
 * for the others. Only then does it select what came by them: who may write to one collection shall not reach
 * the clients of the others.
 */
export function namesInbox(rule: Rule, wanted = true): boolean {
  if ('all' in rule) return rule.all.some((one) => namesInbox(one, wanted))
  if ('any' in rule) return rule.any.some((one) => namesInbox(one, wanted))
  if ('not' in rule) return namesInbox(rule.not, !wanted)
  if (!wanted) return false
  if ('sentTo' in rule) return true
  if (!('source' in rule)) return false
  const sources = typeof rule.source === 'string' ? [rule.source] : rule.source
  return sources.some((source) => findAccountOfSource(source) !== undefined)
}

/** Whether a collection holds what was sent to these by Inbox_Messages, whatever its rule says. */
export function takesSent(
  { name, inbox }: Pick<Collection, 'name' | 'inbox'>,
  sentTo: readonly string[],
): boolean {
  return inbox && sentTo.includes(name)
}
