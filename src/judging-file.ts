import type { PolicySettings } from './curation/policy.ts'
import { formatNetwork, parseNetwork } from './model/address.ts'
import { normalDomain } from './model/domain.ts'
import { ConfigError } from './model/errors.ts'
import { type Keys, parseYaml, readTextFile } from './yaml-file.ts'

/**
 * Reads a judging policy, with domains and networks in their normal forms.
 * @throws ConfigError naming each place that is wrong by its line, and what was expected there
 */
export function readJudgingFile(path: string): PolicySettings {
  return parseJudgingPolicy(readTextFile(path), path)
}

export function parseJudgingPolicy(text: string, path: string): PolicySettings {
  const { content, lineOf } = parseYaml<PolicySettings>(text, path, 'judging.schema.json')
  const problems: string[] = []
  const normalAll = (
    key: 'ownDomains' | 'ownRanges',
    normal: (value: string) => string | undefined,
    wayOut: string,
  ) => {
    const values = content[key]?.map((value, index) => {
      const form = normal(value.trim())
      const keys: Keys = [key, index]
      if (form === undefined) {
        problems.push(`${path}, line ${lineOf(keys)}: ${keys.join('.')} is "${value}"; ${wayOut}`)
      }
      return form ?? ''
    })
    // In an order of their own, so that the same policy written otherwise is no change.
    return values && { [key]: [...new Set(values)].sort() }
  }
  const settings = {
    ...content,
    ...normalAll(
      'ownDomains',
      normalDomain,
      'it must be a domain such as example.com, which stands for all below it too',
    ),
    ...normalAll(
      'ownRanges',
      normalRange,
      'it must be an address or a network such as 192.0.2.0/24, and not all there are',
    ),
    ...(content.heldBackTypes && { heldBackTypes: [...content.heldBackTypes].sort() }),
  }
  if (problems.length > 0) throw new ConfigError(problems.slice(0, 20).join('\n'))
  return settings
}

/** A prefix of 0 would keep everything out for being ours. */
function normalRange(text: string): string | undefined {
  const network = parseNetwork(text)
  return network && network.prefix > 0 ? formatNetwork(network) : undefined
}
