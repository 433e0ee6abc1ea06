import { type Static, Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import type { CollectionChange as Change } from '../intake/apply-collections.ts'
import type { Caller } from '../model/account.ts'
import { CollectionNotFound } from '../model/errors.ts'
import { findReadable, listReadable } from '../store/collection-access.ts'
import { logChange } from './account-access.ts'
import {
  ApplyAnswer,
  ApplyBody,
  CollectionBody,
  CollectionList,
  CollectionName,
  CollectionView,
} from './collection-schema.ts'
import { etagOfCollection, readViews } from './collection-view.ts'
import { bodyToSettings, inputsToSettings, previewAs, writeAs } from './collection-writes.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { checkPrecondition, sendWithEtag } from './etag.ts'
import { answerOnce } from './idempotency.ts'
import type { AdminParts } from './parts.ts'
import {
  answer,
  ifMatchHeaders,
  ifNoneMatchHeaders,
  pageQuery,
  refusals,
  toPage,
  usualPerPage,
} from './schemas.ts'
import type { AdminScope } from './scope.ts'

const tags = ['collections']
const CursorKey = Type.Tuple([CollectionName])

export function collectionRoutes(scope: AdminScope, parts: AdminParts): void {
  const { db, log, followCollections } = parts

  const noteChanges = (caller: Caller, changes: readonly Change[]) => {
    // Where nothing changes, too: what was cut short before is finished.
    followCollections()
    const changed = changes.filter(({ kind }) => kind === 'new' || kind === 'changed')
    if (changed.length === 0) return
    const collections = changed.map(({ name, kind, settings }) => ({
      name,
      kind,
      settings: settings.map(({ setting }) => setting),
    }))
    logChange(log, caller, { collections }, 'changed collections')
  }

  scope.get(
    '/api/v1/collections',
    {
      config: { permission: 'collections:read' },
      schema: {
        operationId: 'listCollections',
        summary: 'The collections that one may read',
        tags,
        querystring: pageQuery,
        response: { 200: answer('By name; administrators see all.', CollectionList) },
      },
    },
    async (request): Promise<CollectionList> => {
      const { limit = usualPerPage, cursor } = request.query
      const [after] = cursor === undefined ? [] : decodeCursor('collections', cursor, CursorKey)
      const caller = getCaller(request)
      const found = await listReadable(db, caller.account, { after, limit: limit + 1 })
      const { page, next } = toPage(found, limit, ({ name }) => encodeCursor('collections', [name]))
      return { collections: await readViews(db, caller, page), next }
    },
  )

  scope.get(
    '/api/v1/collections/:name',
    {
      config: { permission: 'collections:read' },
      schema: {
        operationId: 'getCollection',
        summary: 'One collection',
        description: 'Its ETag names its settings: figures beside them change under the same one.',
        tags,
        params: Type.Object({ name: Type.String() }),
        headers: ifNoneMatchHeaders,
        response: { 200: answer('Settings and figures.', CollectionView, 'ETag') },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const caller = getCaller(request)
      const [found] = await findReadable(db, caller.account, [name])
      if (!found) throw new CollectionNotFound(name)
      const [view] = await readViews(db, caller, [found])
      return sendWithEtag(request, reply, etagOfCollection(found), view as CollectionView)
    },
  )

  scope.put(
    '/api/v1/collections/:name',
    {
      config: { permission: 'collections:write' },
      schema: {
        operationId: 'putCollection',
        summary: 'Give a collection these settings, or make it',
        description:
          'What is left out gets its default. The feed follows in the background: `behind` tells until when. ' +
          'Administrators alone make collections, raise maxTlp and set nonPublic; others need a grant to write it.',
        tags,
        params: Type.Object({ name: CollectionName }),
        headers: ifMatchHeaders,
        body: CollectionBody,
        response: {
          200: answer('It has these settings now.', CollectionView, 'ETag'),
          201: answer('It was made.', CollectionView, 'ETag', 'Location'),
          ...refusals(412),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const caller = getCaller(request)
      const settings = bodyToSettings(name, request.body)
      const { changes, view } = await db.transaction().execute(async (trx) => {
        const changes = await writeAs(trx, caller, [settings], (found) =>
          checkPrecondition(request, found && etagOfCollection(found)),
        )
        const [view] = await readViews(trx, caller, await findReadable(trx, caller.account, [name]))
        return { changes, view }
      })
      noteChanges(caller, changes)
      const kind = changes.find((change) => change.name === name)?.kind
      reply.header('ETag', etagOfCollection(settings))
      if (kind === 'new') reply.code(201).header('Location', `/api/v1/collections/${name}`)
      return view as CollectionView
    },
  )

  scope.post(
    '/api/v1/collections/apply',
    {
      config: { permission: 'collections:write' },
      schema: {
        operationId: 'applyCollections',
        summary: 'Give many collections their settings, all or none',
        description:
          'What is not named stays as it is. The same may be written as by PUT, one by one.',
        tags,
        body: ApplyBody,
        response: {
          200: answer('What was changed, or would be.', ApplyAnswer, 'Idempotency-Replayed'),
        },
      },
    },
    async (request, reply) => {
      const caller = getCaller(request)
      const { dryRun = false, collections } = request.body
      const wanted = inputsToSettings(collections)
      return answerOnce(request, reply, parts, async (trx) => {
        const changes = dryRun
          ? await previewAs(trx, caller, wanted)
          : await writeAs(trx, caller, wanted)
        const body: Static<typeof ApplyAnswer> = {
          dryRun,
          changes: changes.map(({ name, kind, settings }) => ({
            name,
            kind,
            settings: settings.map(({ setting, from = null, to = null }) => ({
              setting,
              from,
              to,
            })),
          })),
        }
        if (dryRun) return { status: 200, body }
        return { status: 200, body, afterCommit: () => noteChanges(caller, changes) }
      })
    },
  )
}
