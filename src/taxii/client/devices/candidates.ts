import type { ObservableType } from '../../../model/observable.ts'
import type { CyboxValue, KnownValue } from '../../../stix/read-cybox.ts'
import type { PackageObservable, StixPackage } from '../../../stix/read-package.ts'

/** One value of a block that a device takes in or drops. */
export interface Candidate {
  /** ours, or else the name of its CybOX type or of the construct that it stands in */
  readonly type: ObservableType | (string & {})
  /** the normal form, or else as it was written */
  readonly value: string
  /** where it stands: for one that is referred to, the reference */
  readonly observable: PackageObservable
  /** what the reference refers to, where the package has it */
  readonly target: PackageObservable | undefined
  /** undefined for what holds no value */
  readonly field: CyboxValue | undefined
  /** this one of the field's items, as it was written */
  readonly item: string
  readonly known: KnownValue | undefined
  /** how many values its object has, those that are not candidates included */
  readonly siblings: number
}

/** The elements whose text is what an object is known by; the rest tells more of it. */
function isPrincipal({ expected, hash, field }: CyboxValue): boolean {
  return expected.length > 0 || hash !== undefined || field === 'File_Name'
}

function typeOf(field: CyboxValue, known: KnownValue | undefined): string {
  return known?.type ?? field.expected[0] ?? (field.hash?.name || field.field)
}

/** The values of one observable; of an object that holds none of our types, its first. */
function* listOwn(
  observable: PackageObservable,
  described: PackageObservable,
  target: PackageObservable | undefined,
): Generator<Candidate> {
  const values = described.properties?.values ?? []
  let siblings = 0
  for (const { items } of values) siblings += items.length
  const common = { observable, target, siblings }
  const principal = values.filter(isPrincipal)
  for (const field of principal) {
    for (const [i, item] of field.items.entries()) {
      const known = field.known[i]
      const value = known?.value ?? item
      yield { ...common, type: typeOf(field, known), value, field, item, known }
    }
  }
  if (principal.length > 0) return
  const type = described.properties ? (described.properties.type ?? 'untyped') : described.kind
  const item = described.idref ?? values[0]?.text ?? ''
  yield { ...common, type, value: item, field: values[0], item, known: undefined }
}

/**
 * The values of a package. What is referred to is listed once, as the reference; only the first reference to
 * an observable has all its values, so that many references to many values cost no more than both.
 */
export function* listCandidates(stixPackage: StixPackage): Generator<Candidate> {
  const { observables, observablesById } = stixPackage
  const findTarget = (one: PackageObservable): PackageObservable | undefined =>
    one.kind === 'reference' ? observablesById.get(one.idref ?? '') : undefined
  const referred = new Set(observables.flatMap((one) => findTarget(one) ?? []))
  const listed = new Set<PackageObservable>()
  for (const observable of observables) {
    if (observable.kind === 'composition') continue
    if (referred.has(observable) && observable.place.within === 'package') continue
    const target = findTarget(observable)
    // Its members are listed by themselves.
    if (target?.kind === 'composition') continue
    const described = target ?? observable
    for (const candidate of listOwn(observable, described, target)) {
      yield candidate
      if (target && listed.has(target)) break
    }
    if (target) listed.add(target)
  }
}
