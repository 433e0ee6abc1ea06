import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject } from 'ajv'
import { LineCounter, parseDocument, visit } from 'yaml'
import { ConfigError } from './model/errors.ts'

export type Keys = readonly (string | number)[]

export interface YamlContent<T> {
  readonly content: T
  /** the line in which a place of the content begins */
  lineOf(keys: Keys): number
}

/** @throws ConfigError when it cannot be read */
export function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ConfigError(`${path} cannot be read (${code})`, { cause })
  }
}

/**
 * Reads YAML that people write and holds it to a JSON Schema, whose defaults are filled in.
 * @param schema by its name in schemas/
 * @throws ConfigError naming each place that is wrong by its line, and what was expected there
 */
export function parseYaml<T>(text: string, path: string, schema: string): YamlContent<T> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineOf = (keys: Keys): number => {
    for (let depth = keys.length; depth > 0; depth -= 1) {
      const node = document.getIn(keys.slice(0, depth), true) as { range?: [number] } | undefined
      if (node?.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  const [broken] = document.errors
  if (broken) {
    const { line } = lines.linePos(broken.pos[0])
    throw new ConfigError(`${path}, line ${line}: not well-formed YAML: ${broken.message}`)
  }
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return
      const { line } = lines.linePos(alias.range?.[0] ?? 0)
      throw new ConfigError(`${path}, line ${line}: nothing before it is named "${alias.source}"`)
    },
  })
  const content: unknown = readAliases(document, path)
  const file = new URL(`../schemas/${schema}`, import.meta.url)
  const validate = new Ajv({ allErrors: true, useDefaults: true, verbose: true }).compile<T>(
    JSON.parse(readFileSync(file, 'utf8')),
  )
  if (!validate(content)) {
    const problems = (validate.errors ?? []).filter(speaksForItself).map((error) => {
      const keys = pointerToKeys(error.instancePath)
      return `${path}, line ${lineOf(keys)}: ${describe(keys, error)}`
    })
    throw new ConfigError([...new Set(problems)].slice(0, 20).join('\n'))
  }
  return { content, lineOf }
}

function readAliases(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new ConfigError(`${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Of a value that may be one or a list, either the wrong item speaks or the whole, never each branch. */
function speaksForItself(error: ErrorObject, _: number, all: readonly ErrorObject[]): boolean {
  const { instancePath: place, keyword } = error
  const isChoice = (other: ErrorObject) => other.keyword === 'anyOf' && other.instancePath === place
  if (keyword !== 'anyOf') return !all.some(isChoice)
  return !all.some((other) => other.instancePath.startsWith(`${place}/`))
}

function describe(keys: Keys, error: ErrorObject): string {
  const place = keys.length === 0 ? 'the file' : keys.join('.')
  const { keyword, params, parentSchema } = error
  if (keyword === 'required') return `${place} lacks "${params.missingProperty}"`
  if (keyword === 'additionalProperties') {
    const known = Object.keys(parentSchema?.properties ?? {}).join(', ')
    return `${place} has "${params.additionalProperty}", which is not one of ${known}`
  }
  if (keyword === 'enum') return `${place} must be one of ${params.allowedValues.join(', ')}`
  if (keyword === 'anyOf') return `${place} must be ${parentSchema?.title}`
  if (keyword === 'pattern') return `${place} must match ${params.pattern}`
  if (keyword === 'maxProperties' || keyword === 'minProperties') {
    return `${place} must have exactly one key of ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`
  }
  return `${place} ${error.message}`
}

function pointerToKeys(pointer: string): Keys {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => (/^\d+$/.test(key) ? Number(key) : key.replace(/~1/g, '/').replace(/~0/g, '~')))
}
