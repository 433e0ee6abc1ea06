import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Ajv, type ErrorObject } from 'ajv'
import {
  defaultEffect,
  digestOfWarninglist,
  typesOfAttributes,
} from './curation/misp-warninglist.ts'
import { prepareWarninglist } from './curation/prepare-warninglist.ts'
import type { Warninglist, WarninglistKind } from './curation/warninglists.ts'
import { ConfigError } from './model/errors.ts'
import { getListFiles, statOf, unreadable } from './warninglist-paths.ts'

export interface WarninglistFile extends Warninglist {
  readonly description: string
  readonly version: number
}

export interface ReadWarninglist {
  readonly path: string
  readonly list: WarninglistFile
  /** how many entries are left out, and the first of them with their place and what is wrong */
  readonly unusable: { readonly count: number; readonly first: readonly string[] }
  /** matching_attributes that are nothing here */
  readonly unknownAttributes: readonly string[]
}

export interface ReadWarninglists {
  readonly read: readonly ReadWarninglist[]
  /** what could not be read, with the file, the place and the way out */
  readonly faults: readonly string[]
}

export interface WarninglistLimits {
  readonly fileBytes: number
  /** of all files together */
  readonly entries: number
}

const defaultLimits: WarninglistLimits = { fileBytes: 64 * 1024 * 1024, entries: 5_000_000 }
const schemaUrl = new URL('../schemas/warninglist.schema.json', import.meta.url)
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$/
const shownProblems = 5
// Of all substrings of a list: what finds them takes some 40 bytes a character.
const maxSubstringCharacters = 1_000_000

interface ListFile {
  readonly name: string
  readonly version?: number
  readonly description?: string
  readonly type: WarninglistKind
  readonly category?: string
  readonly matching_attributes?: readonly string[]
  readonly list: readonly string[]
}

/**
 * Reads warninglists in MISP's format: a file, a folder with a list.json, a folder of such folders or of
 * files, or MISP's whole collection. One that is broken does not keep the others out.
 */
export async function readWarninglists(
  paths: readonly string[],
  limits: WarninglistLimits = defaultLimits,
): Promise<ReadWarninglists> {
  const read: ReadWarninglist[] = []
  const faults: string[] = []
  const seen = new Map<string, string>()
  let entries = 0
  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      faults.push(error.message)
    }
  }
  for (const path of paths) {
    let files: readonly string[] = []
    attempt(() => {
      files = getListFiles(path)
    })
    for (const file of files) {
      // Large lists take a second, and a service answers polls meanwhile.
      await nextTurn()
      attempt(() => {
        const one = readWarninglistFile(file, limits.fileBytes)
        const other = seen.get(one.list.name)
        if (other !== undefined) {
          throw new ConfigError(
            `${file}: ${other} has the name "${one.list.name}" already; rename one`,
          )
        }
        if (entries + one.list.entries.length > limits.entries) {
          throw new ConfigError(
            `${file}: with it there would be more than ${limits.entries} entries; leave out some lists`,
          )
        }
        entries += one.list.entries.length
        seen.set(one.list.name, file)
        read.push(one)
      })
    }
  }
  return { read, faults }
}

/** @throws ConfigError naming the file, the place and the way out */
export function readWarninglistFile(
  path: string,
  maxBytes = defaultLimits.fileBytes,
): ReadWarninglist {
  const { size } = statOf(path)
  if (size > maxBytes) {
    throw new ConfigError(`${path} has ${size} bytes, more than ${maxBytes}; split the list`)
  }
  const content = parseListFile(path, readText(path))
  const { type: kind, category } = content
  const { types, unknown } = typesOfAttributes(kind, content.matching_attributes)
  if (types.length === 0) {
    throw new ConfigError(
      `${path}: none of its matching_attributes (${unknown.slice(0, 5).join(', ')}) is a type that Taxiway knows; leave the list out`,
    )
  }
  const { entries, unusable } = pickUsable({ kind, types, entries: content.list })
  const list: WarninglistFile = {
    name: nameOf(path),
    title: oneLine(content.name),
    description: oneLine(content.description ?? ''),
    version: content.version ?? 0,
    kind,
    effect: defaultEffect(kind, category),
    types,
    entries,
    digest: digestOfWarninglist({ kind, types, entries }),
  }
  const characters = entries.reduce((sum, entry) => sum + entry.length, 0)
  if (kind === 'substring' && characters > maxSubstringCharacters) {
    throw new ConfigError(
      `${path}: its substrings have ${characters} characters, more than ${maxSubstringCharacters}; split the list, or make it one of type "hostname"`,
    )
  }
  return { path, list, unusable, unknownAttributes: unknown }
}

function pickUsable(content: Pick<Warninglist, 'kind' | 'types' | 'entries'>) {
  const left = new Map<number, string>()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no entry holds and no database keeps
  const unwritable = /[\0-\x1f\x7f]/
  content.entries.forEach((entry, index) => {
    if (unwritable.test(entry) || !entry.isWellFormed())
      left.set(index, 'holds a control character')
  })
  const written = content.entries.map((entry, index) => (left.has(index) ? '' : entry))
  prepareWarninglist({ ...content, entries: written }, (index, problem) => {
    if (!left.has(index)) left.set(index, problem)
  })
  const first = [...left]
    .sort(([a], [b]) => a - b)
    .slice(0, shownProblems)
    .map(([index, problem]) => `list[${index}]: ${quote(content.entries[index])} ${problem}`)
  const entries = content.entries
    .filter((_, index) => !left.has(index))
    .map((entry) => entry.trim())
  return { entries, unusable: { count: left.size, first } }
}

function parseListFile(path: string, text: string): ListFile {
  let content: unknown
  try {
    content = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (cause) {
    throw new ConfigError(`${path} is not JSON: ${oneLine((cause as Error).message)}`, { cause })
  }
  if (validate(content)) return content
  const [error] = validate.errors ?? []
  throw new ConfigError(`${path}: ${describe(error as ErrorObject)}`)
}

const validate = new Ajv({ useDefaults: true }).compile<ListFile>(
  JSON.parse(readFileSync(schemaUrl, 'utf8')),
)

function describe({ instancePath, keyword, params, message }: ErrorObject): string {
  const place = instancePath.slice(1).replace(/\/(\d+)/g, '[$1]')
  if (keyword === 'required') {
    return `lacks "${params.missingProperty}"; see schemas/warninglist.schema.json`
  }
  const wanted =
    keyword === 'enum' ? `must be one of ${params.allowedValues.join(', ')}` : (message ?? '')
  return `${place === '' ? 'the file' : place} ${wanted}`
}

/** The folder's name in MISP's collection, else the file's. */
function nameOf(path: string): string {
  const file = basename(path)
  const name = file === 'list.json' ? basename(dirname(resolve(path))) : file.replace(/\.json$/, '')
  if (namePattern.test(name)) return name
  throw new ConfigError(
    `${path}: "${name}" is no name for a list; rename it to letters, digits and _ . @ -`,
  )
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\s]+/gu, ' ').trim()
}

function quote(entry = ''): string {
  const text = oneLine(entry)
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
