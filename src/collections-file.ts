import type { CollectionSettings } from './model/collection.ts'
import {
  completeSettings,
  findListFaults,
  type GivenSettings,
} from './model/collection-settings.ts'
import { ConfigError } from './model/errors.ts'
import { parseYaml, readTextFile } from './yaml-file.ts'

/**
 * Reads a file of collections.
 * @throws ConfigError naming each place that is wrong by its line, and what was expected there
 */
export function readCollectionsFile(path: string): readonly CollectionSettings[] {
  return parseCollections(readTextFile(path), path)
}

export function parseCollections(text: string, path: string): readonly CollectionSettings[] {
  const { content, lineOf } = parseYaml<{ readonly collections: readonly GivenSettings[] }>(
    text,
    path,
    'collections.schema.json',
  )
  const settings = content.collections.map(completeSettings)
  const lineOfCollection = (place: readonly (string | number)[]) =>
    `line ${lineOf(['collections', ...place])}`
  const faults = findListFaults(settings, lineOfCollection).map(
    ({ place, message }) => `${path}, ${lineOfCollection(place)}: ${message}`,
  )
  if (faults.length > 0) throw new ConfigError(faults.slice(0, 20).join('\n'))
  return settings
}
