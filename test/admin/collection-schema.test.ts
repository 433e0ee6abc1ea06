import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ApplyBody, CollectionBody, CollectionInput } from '../../src/admin/collection-schema.ts'
import { settingsToJson } from '../../src/admin/collection-view.ts'
import { readCollectionsFile } from '../../src/collections-file.ts'
import { completeSettings } from '../../src/model/collection-settings.ts'

type Schema = Record<string, unknown>

const read = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const file = JSON.parse(readFileSync(read('schemas/collections.schema.json'), 'utf8'))
const { definitions } = file as { definitions: Record<string, Schema> }

/** The file's schema with its definitions in place; the rule, which holds itself, has its name. */
function inPlace(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inPlace)
  if (typeof schema !== 'object' || schema === null) return schema
  const { $ref, ...rest } = schema as Schema
  if ($ref === '#/definitions/rule') return 'the rule'
  if (typeof $ref === 'string') return inPlace(definitions[$ref.replace('#/definitions/', '')])
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, inPlace(value)]))
}

/** The REST interface's, likewise. */
function ofTypeBox(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(ofTypeBox)
  if (typeof schema !== 'object' || schema === null) return schema
  if ((schema as Schema).$ref === 'CollectionRule') return 'the rule'
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, ofTypeBox(value)]))
}

t.test(
  'the REST interface takes of a collection what a file may have, and nothing else',
  async (t) => {
    t.same(ofTypeBox(CollectionInput), inPlace(definitions.collection))
    const { $defs } = CollectionInput.properties.rule as unknown as {
      $defs: { CollectionRule: Schema }
    }
    const { $id, ...rule } = $defs.CollectionRule
    t.equal($id, 'CollectionRule')
    t.same(ofTypeBox(rule), inPlace(definitions.rule))

    const { required, ...body } = ofTypeBox(CollectionBody) as Schema
    const { required: wanted, ...input } = ofTypeBox(CollectionInput) as Schema
    t.same(body, input, 'PUT takes the same')
    t.same(required, ['description', 'rule'], 'but for the name, which its path has')
    t.same(wanted, ['name', 'description', 'rule'])
    t.same((ApplyBody.properties.collections as unknown as Schema).items, CollectionInput)
  },
)

t.test('what is not given has the schema’s default', async (t) => {
  const properties = definitions.collection?.properties as Record<string, Schema>
  const defaults = Object.entries(properties).flatMap(([name, schema]) =>
    'default' in schema ? [[name, schema.default]] : [],
  )
  const given = { name: 'one', description: 'One', rule: { all: [] } }
  t.same(settingsToJson(completeSettings(given)), { ...given, ...Object.fromEntries(defaults) })
})

t.test('what is shown of settings is what makes them', async (t) => {
  const all = readCollectionsFile(read('seeds/collections.yaml'))
  t.ok(all.length > 5)
  for (const settings of [...all, { ...all[0], refreshDays: undefined } as (typeof all)[0]]) {
    t.strictSame(completeSettings(settingsToJson(settings)), settings)
  }
})
