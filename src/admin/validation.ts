import type { ErrorObject, ValidateFunction } from 'ajv'
import { Ajv2020, type Options } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import type { Fault } from '../http/problem.ts'
import { ValidationFailed } from './errors.ts'
import { pointer } from './json.ts'

/*
 * Requests are checked as they are: nothing is left out of a body and nothing in it is made another type.
 * Parameters come as text, so numbers and true and false are read from them.
 */

const common: Options = {
  useDefaults: true,
  allowUnionTypes: true,
  verbose: true,
  strictTypes: false,
}
const forBodies = makeAjv({ ...common, coerceTypes: false })
const forParameters = makeAjv({ ...common, coerceTypes: true })

// Telling all the faults of a body costs by its values: the first alone is told of one with more.
const maxValuesForAllFaults = 2_000
const maxFaults = 20

export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  const ajv = httpPart === 'body' ? forBodies : forParameters
  // Made when they are first needed: a command asks one route of fifty.
  let check: ValidateFunction | undefined
  let checkAll: ValidateFunction | undefined
  return (value: unknown) => {
    check ??= ajv.first.compile(schema)
    if (check(value)) return { value }
    let errors = check.errors ?? []
    if (isSmall(value)) {
      checkAll ??= ajv.all.compile(schema)
      checkAll(value)
      errors = checkAll.errors ?? errors
    }
    return { error: new ValidationFailed(toFaults(errors, httpPart === 'body')) }
  }
}

function makeAjv(options: Options) {
  const make = (allErrors: boolean) => {
    const ajv = new Ajv2020({ ...options, allErrors })
    addFormats.default(ajv)
    return ajv
  }
  return { first: make(false), all: make(true) }
}

function isSmall(value: unknown): boolean {
  const waiting = [value]
  for (let seen = 0; waiting.length > 0; seen += 1) {
    const next = waiting.pop()
    const inside = typeof next === 'object' && next !== null ? Object.values(next) : []
    if (seen + waiting.length + inside.length > maxValuesForAllFaults) return false
    waiting.push(...inside)
  }
  return true
}

function toFaults(errors: readonly ErrorObject[], inBody: boolean): readonly Fault[] {
  const faults = new Map<string, Fault>()
  for (const error of withoutBranches(errors)) {
    const place = placeOf(error, inBody)
    const message = messageOf(error)
    faults.set(`${place} ${message}`, { place, message })
  }
  const all = [...faults.values()]
  if (all.length <= maxFaults) return all
  const others = { place: '', message: `has ${all.length - maxFaults} more faults` }
  return [...all.slice(0, maxFaults), others]
}

/** Where one of several shapes would do, what is wrong with the likeliest: not null where null would do too. */
function withoutBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  return errors.filter((error) => {
    const inBranch = /\/anyOf\/\d+\//.test(error.schemaPath)
    if (inBranch && error.keyword === 'type' && error.params.type === 'null') return false
    if (error.keyword !== 'anyOf') return true
    return !errors.some(
      (other) =>
        other.schemaPath.startsWith(`${error.schemaPath}/`) && other.params.type !== 'null',
    )
  })
}

function placeOf({ instancePath, keyword, params }: ErrorObject, inBody: boolean): string {
  const name =
    keyword === 'required' || keyword === 'dependentRequired'
      ? params.missingProperty
      : keyword === 'additionalProperties'
        ? params.additionalProperty
        : keyword === 'unevaluatedProperties'
          ? params.unevaluatedProperty
          : undefined
  const path = name === undefined ? instancePath : instancePath + pointer([String(name)])
  const place = inBody ? path : path.slice(1)
  return place.length > 200 ? `${place.slice(0, 200)}…` : place
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
}

const formats: Readonly<Record<string, string>> = {
  'date-time': 'a moment such as 2026-06-01T00:00:00Z',
  date: 'a day such as 2026-06-01',
}

/** Never what was given, which may be a secret. */
function messageOf({ keyword, params, parentSchema, message }: ErrorObject): string {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return 'is needed'
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const known = Object.keys(parentSchema?.properties ?? {})
      return known.length === 0
        ? 'is not known here'
        : `is not known here; known are ${known.join(', ')}`
    }
    case 'type': {
      const names = [params.type].flat().map((type) => typeNames[type] ?? type)
      return `must be ${names.join(' or ')}`
    }
    case 'enum':
      return `must be one of ${params.allowedValues.join(', ')}`
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}`
    case 'minLength':
      return params.limit === 1
        ? 'must not be empty'
        : `must have at least ${params.limit} characters`
    case 'maxLength':
      return `must have at most ${params.limit} characters`
    case 'minimum':
      return `must be at least ${params.limit}`
    case 'maximum':
      return `must be at most ${params.limit}`
    case 'minItems':
      return `must have at least ${params.limit} ${params.limit === 1 ? 'entry' : 'entries'}`
    case 'maxItems':
      return `must have at most ${params.limit} entries`
    case 'minProperties':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} entries`
    case 'uniqueItems':
      return 'must not hold the same twice'
    case 'format':
      return `must be ${formats[params.format] ?? `in the format ${params.format}`}`
    case 'pattern':
      return `must be written as the pattern ${params.pattern} says`
    default:
      return message ?? 'is wrong'
  }
}
