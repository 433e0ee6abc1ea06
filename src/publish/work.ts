import type { Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import type { Producer, RenderedPackage } from '../stix/package.ts'
import { type LiveBlock, reserveIds } from '../store/blocks.ts'
import type { StoredCollection } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { createPackageWriter } from '../store/packages.ts'

/**
 * Of the values of packages that are rendered before they are stored, in UTF-16 units: a YARA rule may be 64 kB, and
 * four times that in XML.
 */
export const mostValuesLength = 1_000_000

/** What preparing blocks works with, and gathers. */
export interface Work {
  readonly db: Db
  readonly collections: readonly StoredCollection[]
  readonly producer: Producer
  readonly now: Date
  /** blocks that are published again although nothing in them has changed */
  readonly isDue: (block: LiveBlock) => boolean
  /** by stream */
  readonly drafts: Map<string, Draft>
  /** served now, and replaced by nothing */
  readonly unwanted: LiveBlock[]
  /** replaced by what no longer shows all that they show */
  readonly outdated: LiveBlock[]
  readonly write: ReturnType<typeof createPackageWriter>
}

export interface Draft {
  readonly stream: Stream
  readonly blocks: DraftBlock[]
}

export interface DraftBlock {
  readonly subjectId: number
  readonly members?: readonly number[]
  readonly package: StoredPackage
  readonly old: LiveBlock | undefined
}

/** A package that is in the store, or on its way there. */
export interface StoredPackage {
  id: number
  /** of its tail; known once it is stored */
  bytes: number
  readonly digest: string
}

export function createWork(
  parts: Pick<Work, 'db' | 'collections' | 'producer' | 'now' | 'isDue'>,
): Work {
  const write = createPackageWriter(parts.db)
  return { ...parts, drafts: new Map(), unwanted: [], outdated: [], write }
}

export function addDraft({ drafts }: Work, stream: Stream, block: DraftBlock): void {
  const key = blockKey(stream, 0)
  const draft = drafts.get(key) ?? { stream, blocks: [] }
  drafts.set(key, draft)
  draft.blocks.push(block)
}

/** The newest blocks of some subjects in the collections at hand, to be taken out as they are met. */
export type Newest = Map<string, LiveBlock>

export function toNewest({ collections }: Work, blocks: readonly LiveBlock[]): Newest {
  const ours = new Set(collections.map((collection) => collection.id))
  return new Map(
    blocks
      .filter((block) => ours.has(block.stream.collectionId))
      .map((block) => [blockKey(block.stream, block.subjectId), block]),
  )
}

export function takeOut(newest: Newest, stream: Stream, subjectId: number): LiveBlock | undefined {
  const key = blockKey(stream, subjectId)
  const block = newest.get(key)
  newest.delete(key)
  return block
}

/** What nobody has taken out belongs to nothing that is permitted. */
export function leaveUnwanted({ unwanted }: Work, newest: Newest): void {
  for (const block of newest.values()) if (!block.withdrawn) unwanted.push(block)
}

function blockKey(stream: Stream, subjectId: number): string {
  return `${stream.collectionId} ${stream.binding} ${subjectId}`
}

export interface SharedPackage extends StoredPackage {
  listed: boolean
  /** until it is on its way: thousands of whole reports would not fit into memory */
  rendered: RenderedPackage | undefined
}

export function sharePackage(rendered: RenderedPackage): SharedPackage {
  const digest = rendered.digest.toString('hex')
  return { id: 0, bytes: 0, listed: false, digest, rendered }
}

/**
 * What stores packages under ids of their own.
 * @param most how many packages there can be; ids that stay unused are lost, of which there are 2^63
 */
export async function createSharedPackageWriter({ db, now, write }: Work, most: number) {
  let nextId = await reserveIds(db, 'packages', most)
  return async (packages: readonly SharedPackage[]): Promise<void> => {
    const rows = packages.flatMap((one) => {
      const texts = one.rendered?.withTimestamp(nextTimestamp(now))
      one.rendered = undefined
      one.id = nextId
      nextId += 1
      return texts ? { id: one.id, ...texts } : []
    })
    const sizes = await write(rows)
    for (const [index, one] of packages.entries()) one.bytes = sizes[index] as number
  }
}

let lastTimestamp: Micros = 0

/** Never the same twice: an id and a timestamp together name one version of one content. */
function nextTimestamp(now: Date): Micros {
  lastTimestamp = Math.max(now.getTime() * 1000, lastTimestamp + 1)
  return lastTimestamp
}
