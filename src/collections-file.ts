import type { CollectionSettings } from './model/collection.ts'
import {
  completeSettings,
  findListFaults,
  type GivenSettings,
  type Place,
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
  const nameOf = (place: Place) => `line ${lineOf(['collections', ...place])}`
  const faults = findListFaults(settings, nameOf).map(
    ({ place, message }) =>
      `${path}, ${nameOf(place)}: ${['collections', ...place].join('.')} ${message}`,
  )
  if (faults.length > 0) throw new ConfigError(faults.slice(0, 20).join('\n'))
  return settings
}
