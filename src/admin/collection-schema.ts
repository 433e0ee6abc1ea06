import { type Static, Type } from 'typebox'
import {
  type Rule as CollectionRule,
  cidrForms,
  collectionTypes,
  contentBindings,
  packagings,
  profiles,
} from '../model/collection.ts'
import { observableTypes } from '../model/observable.ts'
import { tlpLevels } from '../model/tlp.ts'

/*
 * The same as schemas/collections.schema.json, which editors and `taxiway apply` read: a test holds the one
 * to the other, keyword by keyword.
 */

const Text = Type.String({ minLength: 1, maxLength: 256 })
const Texts = Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 1000 })], {
  title: 'a text that is not empty, or a list of such',
})
const ObservableType = Type.Enum([...observableTypes])
const Tlp = Type.Enum([...tlpLevels])
const Confidence = Type.Integer({ minimum: 0, maximum: 100 })
const Days = Type.Number({ exclusiveMinimum: 0, maximum: 36500 })
const strict = { additionalProperties: false }

const Rules = Type.Array(Type.Ref('CollectionRule'), { maxItems: 100 })
const Rule = Type.Unsafe<CollectionRule>(
  Type.Cyclic(
    {
      CollectionRule: Type.Object(
        {
          all: Type.Optional(Rules),
          any: Type.Optional(Rules),
          not: Type.Optional(Type.Ref('CollectionRule')),
          source: Type.Optional(Texts),
          author: Type.Optional(Texts),
          sentTo: Type.Optional(Texts),
          tag: Type.Optional(Texts),
          type: Type.Optional(
            Type.Union([ObservableType, Type.Array(ObservableType, { minItems: 1 })], {
              title: 'a type of observable such as ipv4, domain, url or sha256, or a list of such',
            }),
          ),
          tlp: Type.Optional(
            Type.Union([Tlp, Type.Array(Tlp, { minItems: 1 })], {
              title: 'one of white, green, amber, amber+strict and red, or a list of such',
            }),
          ),
          confidence: Type.Optional(
            Type.Object(
              { atLeast: Type.Optional(Confidence), atMost: Type.Optional(Confidence) },
              {
                description: '0 to 100: 1–29 low, 30–69 medium, 70–100 high.',
                minProperties: 1,
                ...strict,
              },
            ),
          ),
          age: Type.Optional(
            Type.Object(
              { atLeastDays: Type.Optional(Days), atMostDays: Type.Optional(Days) },
              {
                description: 'Days since the source first asserted it.',
                minProperties: 1,
                ...strict,
              },
            ),
          ),
        },
        {
          description: 'Exactly one of these keys; a leaf with several values means any of them.',
          minProperties: 1,
          maxProperties: 1,
          ...strict,
        },
      ),
    },
    'CollectionRule',
  ),
)

const description = Type.String({ minLength: 1, maxLength: 1000 })
export const CollectionName = Type.String({
  description: "What clients ask for; an ESA's administrator types it.",
  pattern: '^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$',
})
const maxTlp = Type.Enum([...tlpLevels], {
  description: 'Assertions above this level stay out.',
  default: 'green',
})
const type = Type.Enum([...collectionTypes], {
  description:
    'What TAXII calls it: a feed is polled for what is new since a label; a set is always sent whole, without labels.',
  default: 'data-feed',
})
const inbox = Type.Boolean({
  description:
    'Whether accounts with a write grant may send Inbox_Messages to it; it then holds what was sent to it, besides what its rule selects.',
  default: false,
})
const nonPublic = Type.Boolean({
  description: 'Whether reports that their source marks as not for the public may be shown.',
  default: false,
})
const bindings = Type.Array(Type.Enum([...contentBindings]), {
  description: 'STIX versions to publish; the first is what a poll gets that names none.',
  minItems: 1,
  uniqueItems: true,
  default: ['urn:stix.mitre.org:xml:1.2'],
})
const profile = Type.Enum([...profiles], { default: 'esa' })
const packaging = Type.Enum([...packagings], {
  description:
    'What a content block holds: one indicator, or up to 100 of one report under its header.',
  default: 'indicator',
})
const cidr = Type.Enum([...cidrForms], {
  description:
    'How a block of addresses is spelled: as CybOX has it (cidr), as if it were one address (address), or not at all (omit). Of profile full alone.',
  default: 'omit',
})
const pageSize = Type.Integer({
  description: 'Blocks a Poll_Response; absent: one complete response.',
  minimum: 1,
  maximum: 100000,
})
const refreshDays = Type.Integer({
  description:
    'Each indicator is published again before so many days are over, so that clients do not drop it while it is served; 0: never. Keep it below the age at which the clients drop what they have.',
  minimum: 0,
  maximum: 365,
  default: 20,
})

const optional = {
  maxTlp: Type.Optional(maxTlp),
  type: Type.Optional(type),
  inbox: Type.Optional(inbox),
  nonPublic: Type.Optional(nonPublic),
  bindings: Type.Optional(bindings),
  profile: Type.Optional(profile),
  packaging: Type.Optional(packaging),
  cidr: Type.Optional(cidr),
  pageSize: Type.Optional(pageSize),
  refreshDays: Type.Optional(refreshDays),
}

/** What a file has of a collection, and POST /api/v1/collections/apply takes. */
export const CollectionInput = Type.Object(
  { name: CollectionName, description, rule: Rule, ...optional },
  strict,
)
export type CollectionInput = Static<typeof CollectionInput>

/** What PUT takes: the name stands in its path, and may stand here too. */
export const CollectionBody = Type.Object(
  { name: Type.Optional(CollectionName), description, rule: Rule, ...optional },
  strict,
)
export type CollectionBody = Static<typeof CollectionBody>

/** What is shown: `refreshDays` 0 is never, and without `pageSize` there are no parts. */
export const CollectionView = Type.Object({
  name: CollectionName,
  description,
  rule: Rule,
  maxTlp,
  type,
  inbox,
  nonPublic,
  bindings,
  profile,
  packaging,
  cidr,
  pageSize: Type.Optional(pageSize),
  refreshDays,
  streams: Type.Array(
    Type.Object({
      binding: Type.Enum([...contentBindings]),
      blocks: Type.Integer({ description: 'What a poll of everything is sent now.', minimum: 0 }),
    }),
  ),
  behind: Type.Boolean({
    description: 'Whether what it publishes does not follow its settings yet; it is under way.',
  }),
  access: Type.Object(
    { read: Type.Boolean(), write: Type.Boolean() },
    { description: 'What the caller may do with it, by role, grants and the scopes of his token.' },
  ),
})
export type CollectionView = Static<typeof CollectionView>

export const CollectionList = Type.Object({
  collections: Type.Array(CollectionView),
  next: Type.Union([Type.String(), Type.Null()]),
})
export type CollectionList = Static<typeof CollectionList>

export const ApplyBody = Type.Object(
  {
    collections: Type.Array(CollectionInput, { maxItems: 1000 }),
    dryRun: Type.Optional(
      Type.Boolean({ description: 'Tell what would change, and change nothing.', default: false }),
    ),
  },
  strict,
)
export type ApplyBody = Static<typeof ApplyBody>

export const CollectionChange = Type.Object({
  name: Type.String(),
  kind: Type.Enum(['new', 'changed', 'unchanged', 'not in the file'], {
    description: 'Those that are not in the file stay as they are.',
  }),
  settings: Type.Array(
    Type.Object({
      setting: Type.String(),
      from: Type.Unknown({ description: 'null: none' }),
      to: Type.Unknown({ description: 'null: none' }),
    }),
    { description: 'Of a changed one: each that differs.' },
  ),
})
export type CollectionChange = Static<typeof CollectionChange>

export const ApplyAnswer = Type.Object({
  changes: Type.Array(CollectionChange),
  dryRun: Type.Boolean(),
})
export type ApplyAnswer = Static<typeof ApplyAnswer>
