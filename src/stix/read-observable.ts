import type { XmlElement } from '../xml/read.ts'
import { type CyboxProperties, readProperties } from './read-cybox.ts'
import {
  cyboxNamespace,
  findAttributeText,
  findChild,
  findChildren,
  findText,
  walkTree,
} from './read-xml.ts'

/** An Observable_Composition around an observable. */
export interface Composition {
  /** of the Observable that holds it */
  readonly id: string | undefined
  /** `OR` or `AND`; '' where it is missing */
  readonly operator: string
  /** 1 for the outermost */
  readonly depth: number
  /** whether each of its members refers to an observable, as opposed to standing here */
  readonly referring: boolean
}

/**
 * What an Observable element is: an object of its own, a reference to another observable, a composition of
 * others, an event; `related` is a Related_Object of another's object, and `empty` none of all these.
 */
export type ObservableKind = 'object' | 'reference' | 'composition' | 'event' | 'related' | 'empty'

/** An Observable, or an object that stands beside that of one. `P` tells where the outermost stands. */
export interface StixObservable<P = unknown> {
  readonly place: P
  readonly kind: ObservableKind
  readonly id: string | undefined
  /** of its Object */
  readonly objectId: string | undefined
  /** of the Observable, or else of its Object */
  readonly idref: string | undefined
  readonly title: string | undefined
  /** the innermost composition that it stands in */
  readonly composition: Composition | undefined
  /** of a composition its operator */
  readonly operator: string | undefined
  /** whether it counts only together with others: an AND of several stands around it, near or far */
  readonly joined: boolean
  /** whether it, or what stands around it, says that it must not be seen */
  readonly negated: boolean
  /** undefined where it has none, as a reference or a composition */
  readonly properties: CyboxProperties | undefined
}

interface Task {
  readonly element: XmlElement
  readonly composition: Composition | undefined
  readonly joined: boolean
  readonly negated: boolean
}

function observableOf<P>(
  place: P,
  { element, composition, joined, negated }: Task,
  kind: ObservableKind,
  object: XmlElement | undefined,
): StixObservable<P> {
  const properties = findChild(object, cyboxNamespace, 'Properties')
  return {
    place,
    kind,
    id: findAttributeText(element, 'id'),
    objectId: object && findAttributeText(object, 'id'),
    idref:
      findAttributeText(element, 'idref') ??
      (object ? findAttributeText(object, 'idref') : undefined),
    title: findText(element, cyboxNamespace, 'Title'),
    composition,
    operator: undefined,
    joined,
    negated: negated || isNegated(element),
    properties: properties && readProperties(properties),
  }
}

/** Of an observable or an indicator. */
export function isNegated(element: XmlElement): boolean {
  const negate = findAttributeText(element, 'negate')
  return negate === 'true' || negate === '1'
}

/** The objects of an event's actions, and those that an object names as related: at any depth. */
function* readObjectsIn<P>(
  place: P,
  task: Task,
  root: XmlElement,
  kind: ObservableKind,
): Generator<StixObservable<P>> {
  const isProperties = ({ namespace, name }: XmlElement): boolean =>
    name === 'Properties' && namespace === cyboxNamespace
  for (const element of walkTree(root, (one) => !isProperties(one))) {
    if (element === root || !element.children.some(isProperties)) continue
    yield observableOf(place, { ...task, element }, kind, element)
  }
}

/**
 * Reads an Observable, and those in its composition and beside its object, in document order, each by
 * itself. It takes time linear in the size of the tree, however deep it is.
 */
export function* readObservable<P>(root: XmlElement, place: P): Generator<StixObservable<P>> {
  const waiting: Task[] = [{ element: root, composition: undefined, joined: false, negated: false }]
  for (let task = waiting.pop(); task !== undefined; task = waiting.pop()) {
    const { element, composition } = task
    const negated = task.negated || isNegated(element)
    const object = findChild(element, cyboxNamespace, 'Object')
    const event = findChild(element, cyboxNamespace, 'Event')
    const composed = findChild(element, cyboxNamespace, 'Observable_Composition')
    if (composed) {
      const operator = findAttributeText(composed, 'operator') ?? ''
      yield { ...observableOf(place, task, 'composition', undefined), operator }
      const members = findChildren(composed, cyboxNamespace, 'Observable')
      const inner: Composition = {
        id: findAttributeText(element, 'id'),
        operator,
        depth: (composition?.depth ?? 0) + 1,
        referring: members.every((member) => findAttributeText(member, 'idref') !== undefined),
      }
      const joined = task.joined || (operator !== 'OR' && members.length > 1)
      for (const member of members.toReversed()) {
        waiting.push({ element: member, composition: inner, joined, negated })
      }
      continue
    }
    const own = observableOf(place, task, 'object', object)
    if (own.properties) {
      yield own
    } else if (own.idref !== undefined) {
      yield { ...own, kind: 'reference' }
    } else if (event) {
      yield { ...own, kind: 'event' }
      yield* readObjectsIn(place, task, event, 'event')
    } else {
      yield { ...own, kind: 'empty' }
    }
    const related = findChild(object, cyboxNamespace, 'Related_Objects')
    if (related) yield* readObjectsIn(place, task, related, 'related')
  }
}
