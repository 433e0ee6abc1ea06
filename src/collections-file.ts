import type { CollectionSettings } from './model/collection.ts'
import { ConfigError } from './model/errors.ts'
import { parseYaml, readTextFile } from './yaml-file.ts'

type Defaulted =
  | 'maxTlp'
  | 'nonPublic'
  | 'bindings'
  | 'profile'
  | 'packaging'
  | 'cidr'
  | 'pageSize'
  | 'refreshDays'
type FileEntry = Omit<CollectionSettings, Defaulted> & Partial<CollectionSettings>

// Deeper than any rule that a person writes; a predicate of a thousand levels would exhaust PostgreSQL's stack.
const maxRuleDepth = 20

/**
 * Reads a file of collections.
 * @throws ConfigError naming each place that is wrong by its line, and what was expected there
 */
export function readCollectionsFile(path: string): readonly CollectionSettings[] {
  return parseCollections(readTextFile(path), path)
}

export function parseCollections(text: string, path: string): readonly CollectionSettings[] {
  const { content, lineOf } = parseYaml<{
    readonly collections: readonly (FileEntry & CollectionSettings)[]
  }>(text, path, 'collections.schema.json')
  const seen = new Map<string, number>()
  return content.collections.map(({ pageSize, refreshDays, ...settings }, index) => {
    const line = lineOf(['collections', index])
    const first = seen.get(settings.name)
    if (first !== undefined) {
      throw new ConfigError(
        `${path}, line ${line}: the collection "${settings.name}" stands already in line ${first}; give it another name`,
      )
    }
    seen.set(settings.name, line)
    if (depthOf(settings.rule) > maxRuleDepth) {
      throw new ConfigError(
        `${path}, line ${lineOf(['collections', index, 'rule'])}: the rule is nested deeper than ${maxRuleDepth} levels; flatten it`,
      )
    }
    if (settings.cidr !== 'omit' && settings.profile !== 'full') {
      throw new ConfigError(
        `${path}, line ${lineOf(['collections', index, 'cidr'])}: "cidr: ${settings.cidr}" needs "profile: full"; the clients of the profile "${settings.profile}" read no blocks of addresses`,
      )
    }
    return { ...settings, pageSize, refreshDays: refreshDays || undefined }
  })
}

function depthOf(rule: unknown): number {
  if (Array.isArray(rule)) return Math.max(0, ...rule.map(depthOf))
  if (typeof rule !== 'object' || rule === null) return 0
  return 1 + Math.max(0, ...Object.values(rule).map(depthOf))
}
