import type { Grade } from '../reading.ts'
import type { Candidate } from './candidates.ts'
import { reason, type ValueRule } from './rules.ts'

function when(
  rule: string,
  grade: Grade,
  text: string,
  speaks: (candidate: Candidate) => boolean,
): ValueRule {
  const found = reason(rule, grade, text)
  return (candidate) => (speaks(candidate) ? found : undefined)
}

export function dropsReferences(grade: Grade, text: string): ValueRule {
  return when('idref', grade, text, ({ observable }) => observable.kind === 'reference')
}

/** An Observable among the package's own; what is referred to stands where it is referred to. */
export function dropsTopLevel(grade: Grade): ValueRule {
  const text = 'the observable stands by itself in the package; this device reads indicators'
  return when('top-level', grade, text, ({ observable }) => observable.place.within === 'package')
}

export function dropsConstructs(grade: Grade): ValueRule {
  const text = 'the observable stands in another construct than an indicator'
  return when('elsewhere', grade, text, ({ observable }) => observable.place.within === 'construct')
}

function isIn(candidate: Candidate, place: 'composite' | 'related'): boolean {
  const within = candidate.observable.place
  return within.within === 'indicator' && within.indicator.place === place
}

export function dropsCompositeIndicators(grade: Grade): ValueRule {
  const text = 'the indicator stands in a Composite_Indicator_Expression'
  return when('composite-indicator', grade, text, (candidate) => isIn(candidate, 'composite'))
}

export function dropsRelatedIndicators(grade: Grade): ValueRule {
  const text = 'the indicator stands in another as related to it'
  return when('related-indicator', grade, text, (candidate) => isIn(candidate, 'related'))
}

export function dropsCompositions(grade: Grade): ValueRule {
  const text = 'the observable stands in an Observable_Composition'
  return when('composition', grade, text, ({ observable }) => observable.composition !== undefined)
}

export function dropsRelatedObjects(grade: Grade): ValueRule {
  const text = 'the object is named beside another, as related to it'
  return when('related-object', grade, text, ({ observable }) => observable.kind === 'related')
}

export function dropsEvents(grade: Grade): ValueRule {
  const text = 'the observable is an event'
  return when('event', grade, text, ({ observable }) => observable.kind === 'event')
}

export function dropsEmpty(grade: Grade): ValueRule {
  const text = 'the observable holds no value'
  return when('no-value', grade, text, ({ observable, target, field, item }) => {
    const described = target ?? observable
    return described.kind === 'empty' || field === undefined || item === ''
  })
}
