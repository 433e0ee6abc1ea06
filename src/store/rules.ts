import { type RawBuilder, sql } from 'kysely'
import type { Rule } from '../model/collection.ts'
import { tlpRank } from '../model/tlp.ts'

type Predicate = RawBuilder<boolean>

/**
 * Compiles a collection's rule into one predicate over an assertion and what it belongs to:
 * `a` assertions, `i` indicators, `s` sources, `r` reports (outer-joined: an assertion may have none).
 * Never null, so that `not` means what it says where there is no report.
 */
export function ruleToSql(rule: Rule, now: Date): Predicate {
  if ('all' in rule) return join(rule.all, now, sql` and `, sql`true`)
  if ('any' in rule) return join(rule.any, now, sql` or `, sql`false`)
  if ('not' in rule) return sql`not ${ruleToSql(rule.not, now)}`
  if ('source' in rule) return sql`(s.name = any(${values(rule.source)}::text[]))`
  if ('author' in rule) {
    return sql`(coalesce(r.author, '') = any(${values(rule.author)}::text[]))`
  }
  if ('sentTo' in rule) {
    return sql`(coalesce(r.sent_to, '{}') && ${values(rule.sentTo)}::text[])`
  }
  if ('tag' in rule) {
    const keys = values(rule.tag).map(tagKey)
    return sql`(coalesce(r.tag_keys, '{}') && ${keys}::text[])`
  }
  if ('type' in rule) return sql`(i.type = any(${values(rule.type)}::text[]))`
  if ('tlp' in rule) {
    return sql`(a.tlp = any(${values(rule.tlp).map(tlpRank)}::smallint[]))`
  }
  if ('confidence' in rule) {
    const { atLeast = 0, atMost = 100 } = rule.confidence
    return sql`(a.confidence between ${atLeast}::smallint and ${atMost}::smallint)`
  }
  const { atLeastDays, atMostDays } = rule.age
  const youngest = atLeastDays === undefined ? now : daysBefore(now, atLeastDays)
  const oldest = atMostDays === undefined ? undefined : daysBefore(now, atMostDays)
  // An assertion from the future (a skewed upstream clock) has age zero.
  const old = atLeastDays
    ? sql<boolean>`a.valid_from <= ${youngest}::timestamptz`
    : sql<boolean>`true`
  const young = oldest ? sql<boolean>`a.valid_from > ${oldest}::timestamptz` : sql<boolean>`true`
  return sql`(${old} and ${young})`
}

/** The days in `age` leaves: each is a moment at which an assertion may enter or leave by time alone. */
export function ageLimitsInDays(rule: Rule): readonly number[] {
  if ('all' in rule) return rule.all.flatMap(ageLimitsInDays)
  if ('any' in rule) return rule.any.flatMap(ageLimitsInDays)
  if ('not' in rule) return ageLimitsInDays(rule.not)
  if (!('age' in rule)) return []
  return [rule.age.atLeastDays, rule.age.atMostDays].filter((days) => days !== undefined)
}

/** Tags are compared without regard to case. */
export function tagKey(tag: string): string {
  return tag.toLowerCase()
}

function join(rules: readonly Rule[], now: Date, by: RawBuilder<unknown>, empty: Predicate) {
  if (rules.length === 0) return empty
  return sql<boolean>`(${sql.join(
    rules.map((rule) => ruleToSql(rule, now)),
    by,
  )})`
}

function values<T>(value: T | readonly T[]): T[] {
  return Array.isArray(value) ? [...value] : [value as T]
}

function daysBefore(now: Date, days: number): Date {
  return new Date(now.getTime() - days * 86_400_000)
}
