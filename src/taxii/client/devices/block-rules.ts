import { isStixPackage } from '../../../stix/read-package.ts'
import type { Grade, Reason } from '../reading.ts'
import { type BlockRule, reason } from './rules.ts'

/** libtaxii reads nothing of an answer one of whose blocks has no Content_Binding. */
export function needsBinding(grade: Grade): BlockRule {
  const found = reason(
    'no-binding',
    grade,
    'the block has no Content_Binding; the client fails on the whole answer',
  )
  return ({ binding }) => (binding === '' ? found : undefined)
}

export function needsContent(grade: Grade): BlockRule {
  const found = reason(
    'no-content',
    grade,
    'the Content is empty; the client fails on the whole answer',
  )
  return ({ content }) => (content.children.length === 0 && content.text === '' ? found : undefined)
}

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,20})?)?(Z|[+-]\d\d:?\d\d)?$/i

/**
 * The label is optional, but libtaxii refuses one without a zone. What it makes of other spellings is up to
 * dateutil, which reads very many.
 */
export function needsZonedLabel(grade: Grade): BlockRule {
  const naive = reason(
    'label-zone',
    grade,
    'the Timestamp_Label has no time zone; the client fails on the whole answer',
  )
  const unreadable = reason(
    'label',
    'believed',
    'the Timestamp_Label is no date and time; the client fails on the whole answer',
  )
  return ({ label }) => {
    const text = label?.trim() ?? ''
    if (text === '') return undefined
    const match = text.length > 64 ? null : dateTime.exec(text)
    if (!match) return unreadable
    return match[1] === undefined ? naive : undefined
  }
}

/** Of several roots libtaxii keeps the first. */
export function readsFirstRoot(grade: Grade): BlockRule {
  const found = reason(
    'roots',
    grade,
    'the Content has more than one root element; the first alone is read, and it is no STIX_Package',
  )
  return ({ content }, { package: stixPackage }) => {
    const first = content.children[0]
    return stixPackage && first && !isStixPackage(first) ? found : undefined
  }
}

export function takesBindings(bindings: readonly string[], grade: Grade, text: string): BlockRule {
  const found = reason('binding', grade, text)
  return ({ binding }) => (bindings.includes(binding) ? undefined : found)
}

export function takesVersions(versions: readonly string[], grade: Grade, text: string): BlockRule {
  const other = reason('version', grade, text)
  const none = reason('no-version', grade, 'the STIX_Package does not say its version')
  return (_, { package: stixPackage }) => {
    if (!stixPackage) return undefined
    if (stixPackage.version === undefined) return none
    return versions.includes(stixPackage.version) ? undefined : other
  }
}

export function needsPackage(grade: Grade): BlockRule {
  return (_, { package: stixPackage, findings }): Reason | undefined =>
    stixPackage
      ? undefined
      : reason('no-package', grade, findings.at(-1)?.text ?? 'the content holds no STIX_Package')
}

/** A device that goes by the binding meets another version than it was told. */
export function needsBindingOfVersion(grade: Grade): BlockRule {
  const found = reason(
    'binding-version',
    grade,
    'the Content_Binding is not that of the STIX_Package’s version',
  )
  return (_, { findings }) => (findings.some(({ word }) => word === 'binding') ? found : undefined)
}
