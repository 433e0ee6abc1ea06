import type { ObservableType } from '../model/observable.ts'
import type { CyboxProperties, CyboxValue } from './read-cybox.ts'
import { cyboxObjectTypes } from './read-object-types.ts'
import type { StixObservable } from './read-observable.ts'

/** A value that an observable says is seen, of one of our types. */
export interface ObservedValue {
  readonly type: ObservableType
  /** the normal form, or what was written where there is none */
  readonly value: string
}

export interface ObservedValues {
  readonly values: readonly ObservedValue[]
  /** what in it says something that one value cannot: words of a fixed set, in the plural */
  readonly notUnderstood: readonly string[]
}

// ConditionTypeEnum of CybOX 2.1. Any other word would be a document's own.
const conditions: ReadonlySet<string> = new Set([
  'DoesNotEqual',
  'Contains',
  'DoesNotContain',
  'StartsWith',
  'EndsWith',
  'GreaterThan',
  'GreaterThanOrEqual',
  'LessThan',
  'LessThanOrEqual',
  'InclusiveBetween',
  'ExclusiveBetween',
  'FitsPattern',
  'BitwiseAnd',
  'BitwiseOr',
  'BitwiseXor',
])

/** Where the address of a sender stands; those of whom it was sent to are no indicators. */
const senders: ReadonlySet<string> = new Set(['From', 'Sender'])

/**
 * Tells which values an observable says are malicious by themselves. What is meant otherwise, by another
 * condition than Equals, as a pattern, negated, or only together with others, is not taken for it.
 */
export function toObservedValues(observable: StixObservable): ObservedValues {
  const { kind, properties } = observable
  // Its members come by themselves, and what it refers to is looked up.
  if (kind === 'composition' || kind === 'reference') return { values: [], notUnderstood: [] }
  if (observable.negated) return not('negated observables')
  if (observable.joined) return not('observables that count only together')
  if (kind === 'event') return not('events')
  if (kind === 'related') return not('related objects')
  return properties ? ofProperties(properties) : not('observables with nothing in them')
}

function not(what: string): ObservedValues {
  return { values: [], notUnderstood: [what] }
}

function ofProperties({ type, values }: CyboxProperties): ObservedValues {
  const object = type !== undefined && cyboxObjectTypes.has(type) ? type : 'unknown objects'
  const ownHashes = values.filter(({ hash, own }) => hash && own)
  if (ownHashes.length > 0) {
    // A file is known by any of its hashes; its name, path and size beside them only describe it.
    const known = ownHashes.filter(({ expected }) => expected.length > 0)
    return known.length > 0 ? merge(known.map(ofValue)) : not('hashes of other kinds')
  }
  const [value, ...others] = values
  if (!value) return not('objects without a value')
  if (others.length > 0) return not('objects with several conditions')
  const isPlaced = value.own || senders.has(value.within)
  return isPlaced && value.expected.length > 0 ? ofValue(value) : not(object)
}

function ofValue(value: CyboxValue): ObservedValues {
  const { condition, applyCondition, items, known, expected } = value
  if (value.isPattern) return not('patterns')
  if (condition !== undefined && condition !== 'Equals') {
    return not(conditions.has(condition) ? `conditions ${condition}` : 'unknown conditions')
  }
  if (applyCondition === 'NONE') return not('negated observables')
  if (applyCondition === 'ALL' && items.length > 1) return not('lists of which all must be seen')
  const values = items.flatMap((item, place): ObservedValue[] =>
    item === '' ? [] : [known[place] ?? { type: expected[0] as ObservableType, value: item }],
  )
  return { values, notUnderstood: [] }
}

function merge(all: readonly ObservedValues[]): ObservedValues {
  return {
    values: all.flatMap(({ values }) => values),
    notUnderstood: all.flatMap(({ notUnderstood }) => notUnderstood),
  }
}
