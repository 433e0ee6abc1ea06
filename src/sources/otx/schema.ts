import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

type Text = string | null
type List = readonly unknown[] | string | null
type Flag = boolean | number | null
type Id = string | number | null

/** schemas/otx-pulse.schema.json as a type. */
export interface PulseJson {
  readonly id?: Id
  readonly _id?: Id
  readonly name?: Text
  readonly description?: Text
  readonly author_name?: Text
  readonly modified: string
  readonly created?: Text
  readonly revision?: number | string | null
  readonly tlp?: Text
  readonly TLP?: Text
  readonly public?: Flag
  readonly adversary?: Text
  readonly tags?: List
  readonly references?: List
  readonly targeted_countries?: List
  readonly industries?: List
  readonly malware_families?: List
  readonly attack_ids?: List
  readonly more_indicators?: Flag
  readonly indicators?: readonly unknown[] | null
}

/** The schema's $defs/indicator as a type. */
export interface IndicatorJson {
  readonly id?: Id
  readonly _id?: Id
  readonly indicator: string
  readonly type: string
  readonly created?: Text
  readonly content?: Text
  readonly title?: Text
  readonly description?: Text
  readonly expiration?: Text
  readonly is_active?: Flag
  readonly role?: Text
  readonly false_positive?: unknown
  readonly observations?: unknown
}

/** schemas/otx-page.schema.json as a type. */
export interface PageJson {
  readonly results: readonly unknown[]
  readonly count?: unknown
  readonly next?: string | null
}

const ajv = new Ajv2020({ allowUnionTypes: true })
const pulseSchema = readSchema('otx-pulse.schema.json')
const validatePulse = ajv.compile<PulseJson>(pulseSchema)
const validateIndicator = ajv.compile<IndicatorJson>({
  $ref: 'otx-pulse.schema.json#/$defs/indicator',
})
const validatePage = ajv.compile<PageJson>(readSchema('otx-page.schema.json'))

export function isPulseJson(json: unknown): json is PulseJson {
  return validatePulse(json)
}

export function isIndicatorJson(json: unknown): json is IndicatorJson {
  return validateIndicator(json)
}

export function isPageJson(json: unknown): json is PageJson {
  return validatePage(json)
}

/** Says what is wrong with a pulse that `isPulseJson` refused. */
export function pulseFault(json: unknown): { reason: string; detail: string } {
  return faultOf(validatePulse, json)
}

/** Says what is wrong with an indicator that `isIndicatorJson` refused. */
export function indicatorFault(json: unknown): { reason: string; detail: string } {
  return faultOf(validateIndicator, json)
}

function faultOf(validate: ValidateFunction, json: unknown): { reason: string; detail: string } {
  validate(json)
  const error = validate.errors?.[0]
  const field = error?.instancePath.slice(1) || 'the record'
  return {
    reason: error?.keyword === 'required' ? 'missing-field' : 'wrong-shape',
    detail: `${field} ${error?.message ?? 'is not as expected'}`,
  }
}

/** The folder lies beside src/ in a checkout and beside dist/ in the package. */
function readSchema(name: string): object {
  return JSON.parse(readFileSync(new URL(`../../../schemas/${name}`, import.meta.url), 'utf8'))
}
