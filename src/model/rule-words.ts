import type { Rule } from './collection.ts'
import type { Tlp } from './tlp.ts'

/** A rule that is no more than one condition. */
export type RuleLeaf = Exclude<
  Rule,
  | { readonly all: readonly Rule[] }
  | { readonly any: readonly Rule[] }
  | {
      readonly not: Rule
    }
>

/** What an assertion has of what rules ask for. */
export interface RuleFacts {
  readonly source: string
  readonly author: string
  readonly tags: readonly string[]
  /** collections that it was sent to by an Inbox_Message */
  readonly sentTo: readonly string[]
  readonly type: string
  readonly tlp: Tlp
  readonly confidence: number
  readonly ageDays: number
}

export function ruleLeaves(rule: Rule): readonly RuleLeaf[] {
  if ('all' in rule) return rule.all.flatMap(ruleLeaves)
  if ('any' in rule) return rule.any.flatMap(ruleLeaves)
  if ('not' in rule) return ruleLeaves(rule.not)
  return [rule]
}

/**
 * Tells in words which conditions of a rule keep an assertion from being selected.
 * @param holds tells of each leaf whether the assertion meets it
 * @returns undefined when the rule selects it
 */
export function whyNotSelected(
  rule: Rule,
  facts: RuleFacts,
  holds: (leaf: RuleLeaf) => boolean,
): string | undefined {
  return selects(rule, holds) ? undefined : against(rule, true, facts, holds).join(', and ')
}

function selects(rule: Rule, holds: (leaf: RuleLeaf) => boolean): boolean {
  if ('all' in rule) return rule.all.every((one) => selects(one, holds))
  if ('any' in rule) return rule.any.some((one) => selects(one, holds))
  return 'not' in rule ? !selects(rule.not, holds) : holds(rule)
}

/** The conditions because of which the rule is not what it would have to be. */
function against(
  rule: Rule,
  wanted: boolean,
  facts: RuleFacts,
  holds: (leaf: RuleLeaf) => boolean,
): readonly string[] {
  if ('not' in rule) return against(rule.not, !wanted, facts, holds)
  if ('all' in rule || 'any' in rule) {
    const parts = 'all' in rule ? rule.all : rule.any
    // Of a rule that asks for all, those that fail; of one that asks for any and has none, every one.
    const wrong = parts.filter((one) => selects(one, holds) !== wanted)
    if (parts.length === 0) return [wanted ? 'it selects nothing' : 'it excludes everything']
    return [...new Set(wrong.flatMap((one) => against(one, wanted, facts, holds)))]
  }
  return [wanted ? lacking(rule, facts) : excluded(rule, facts)]
}

function lacking(leaf: RuleLeaf, facts: RuleFacts): string {
  const [what, has, asked] = describe(leaf, facts)
  return 'tag' in leaf ? `no tag is ${asked} (${has})` : `${what} is ${has}, not ${asked}`
}

function excluded(leaf: RuleLeaf, facts: RuleFacts): string {
  const [what, , asked] = describe(leaf, facts)
  return `${what} is ${asked}, which it leaves out`
}

function describe(leaf: RuleLeaf, facts: RuleFacts): readonly [string, string, string] {
  if ('source' in leaf) return ['the source', facts.source, oneOf(leaf.source)]
  if ('author' in leaf) return ['the author', facts.author || 'unnamed', oneOf(leaf.author)]
  if ('tag' in leaf) {
    return [
      'a tag',
      facts.tags.length > 0 ? `it has ${facts.tags.join(', ')}` : 'it has none',
      oneOf(leaf.tag),
    ]
  }
  if ('sentTo' in leaf) {
    const has = facts.sentTo.length > 0 ? facts.sentTo.join(', ') : 'no collection'
    return ['what it was sent to', has, oneOf(leaf.sentTo)]
  }
  if ('type' in leaf) return ['the type', facts.type, oneOf(leaf.type)]
  if ('tlp' in leaf) return ['the TLP', facts.tlp, oneOf(leaf.tlp)]
  if ('confidence' in leaf) {
    const { atLeast, atMost } = leaf.confidence
    return ['the confidence', `${facts.confidence}`, between(atLeast, atMost, '')]
  }
  const { atLeastDays, atMostDays } = leaf.age
  const days = Math.floor(facts.ageDays)
  return [
    'its age',
    days === 1 ? '1 day' : `${days} days`,
    between(atLeastDays, atMostDays, ' days'),
  ]
}

function between(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === undefined) return most === undefined ? 'anything' : `at most ${most}${unit}`
  return most === undefined ? `at least ${least}${unit}` : `${least} to ${most}${unit}`
}

function oneOf(values: string | readonly string[]): string {
  return typeof values === 'string' ? values : values.join(' or ')
}
