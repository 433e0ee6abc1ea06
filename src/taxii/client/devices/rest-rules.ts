import type { StixIndicator } from '../../../stix/read-indicator.ts'
import type { Grade, Reason } from '../reading.ts'
import { type RestRule, reason } from './rules.ts'

/** TTPs, threat actors, exploit targets and so on, each counted by its name; but those that the device reads. */
export function leavesConstructs(grade: Grade, except: readonly string[] = []): RestRule {
  return ({ constructs, indicators }) =>
    [...constructs, ...indicators.flatMap((one) => [...one.indicatedTtps, ...one.suggestedCoas])]
      .filter(({ name, idref }) => idref === undefined && !except.includes(name))
      .map(({ name }) =>
        reason(name.toLowerCase().replaceAll('_', '-'), grade, `the device reads no ${name}`),
      )
}

export function leavesTestMechanisms(grade: Grade): RestRule {
  const found = reason('test-mechanism', grade, 'the device reads no Test_Mechanism')
  return ({ indicators }) => indicators.flatMap((one) => one.testMechanisms.map(() => found))
}

/** An indicator by itself, which has neither observables nor others in it. */
export function leavesBareIndicators(grade: Grade): RestRule {
  const found = reason('no-observable', grade, 'the indicator has no observable')
  return ({ indicators, observables }) => {
    const withObservables = new Set<StixIndicator>()
    for (const { place } of observables) {
      if (place.within === 'indicator') withObservables.add(place.indicator)
    }
    const isBare = (one: StixIndicator): boolean =>
      one.compositeOperator === undefined && !withObservables.has(one)
    return indicators.filter(isBare).map((): Reason => found)
  }
}

/** An indicator that has observables, none of which the device takes. */
export function discardsIndicators(grade: Grade): RestRule {
  const found = reason(
    'discarded',
    grade,
    'none of the indicator’s observables is of use, so the indicator is discarded',
  )
  return ({ observables }, taken) => {
    const discarded = new Set<StixIndicator>()
    for (const { place } of observables) {
      if (place.within === 'indicator' && !taken.has(place.indicator))
        discarded.add(place.indicator)
    }
    return [...discarded].map((): Reason => found)
  }
}
