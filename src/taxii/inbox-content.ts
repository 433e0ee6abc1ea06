import {
  type ClaimSettings,
  createPackageReader,
  isPackageContainer,
  type PackageClaims,
  type PackageReader,
} from '../stix/package-claims.ts'
import { createCanonicalHash } from '../xml/canonical.ts'
import { openXmlParts, type XmlPart, type XmlPartSource } from '../xml/parts.ts'
import { XmlError, XmlLimitExceeded } from '../xml/read.ts'
import type { Declarations } from '../xml/serialize.ts'
import { createContentKeeper } from './kept-content.ts'
import { badMessage } from './refusal.ts'

/** What the Content of one block is. */
export interface ReadContent {
  /** SHA-256 of what it holds, however it is spelled */
  readonly digest: Buffer
  /** about its size, in UTF-16 units */
  readonly length: number
  readonly claims: PackageClaims
  /** of what nothing was understood: its elements, as gzip */
  readonly kept: Buffer | undefined
}

/**
 * Reads what stands in a Content as it arrives: a STIX package, as elements or as text that spells it.
 * @param around what is declared outside of it
 * @throws TaxiiRefusal BAD_MESSAGE where it is anything else, with the line, and what `content` throws
 */
export async function readStixContent(
  content: XmlPartSource,
  around: Declarations,
  settings: ClaimSettings,
): Promise<ReadContent> {
  const reader = createContentReader(around, settings)
  for (;;) {
    const part = content.take() ?? (await content.next())
    if (!part) return reader.end()
    if (part.kind === 'text' && part.text.trim() !== '' && !reader.isInside()) {
      if (reader.hasBegun()) throw badMessage('text stands beside the STIX_Package in its Content')
      await readSpelled(part.text, content, reader)
      return reader.end()
    }
    reader.take(part)
  }
}

/** Reads a package that was sent as text: escaped, or as CDATA. */
async function readSpelled(
  first: string,
  rest: XmlPartSource,
  reader: ContentReader,
): Promise<void> {
  // What is wrong with the message around it has its place there, and not in the text.
  let outside: unknown
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(first.trimStart())
    for (;;) {
      const part = await rest.next().catch((error) => {
        outside = error
        throw error
      })
      if (!part) return
      if (part.kind !== 'text') throw elementsBeside(part)
      yield Buffer.from(part.text)
    }
  }
  try {
    const parts = openXmlParts(bytes(), isPackageContainer)
    for (let part = await parts.next(); part; part = parts.take() ?? (await parts.next())) {
      reader.take(part)
    }
  } catch (error) {
    if (error === outside || !(error instanceof XmlError)) throw error
    const isLarge = error instanceof XmlLimitExceeded
    throw badMessage(
      `its Content is text ${isLarge ? 'with more in one piece than is read' : 'that is no XML document'}, seen from where the text begins: ${error.message}`,
    )
  }
}

interface ContentReader {
  take(part: XmlPart): void
  hasBegun(): boolean
  isInside(): boolean
  end(): ReadContent
}

function createContentReader(around: Declarations, settings: ClaimSettings): ContentReader {
  const hash = createCanonicalHash()
  const keeper = createContentKeeper(around)
  let reader: PackageReader | undefined
  let depth = 0

  return {
    hasBegun: () => reader !== undefined,
    isInside: () => depth > 0,
    take(part) {
      if (depth === 0) {
        if (part.kind === 'text') return
        if (reader) throw elementsBeside(part)
        if (part.kind !== 'open') throw notStix(part)
        reader = createPackageReader(part.element, settings)
      } else {
        reader?.take(part)
      }
      if (part.kind === 'open') depth += 1
      if (part.kind === 'close') depth -= 1
      if (part.kind === 'text') hash.text(part.text)
      else if (part.kind === 'close') hash.close()
      else hash[part.kind](part.element)
      if (reader && reader.count() > 0) keeper.drop()
      else keeper.take(part)
    },
    end() {
      if (!reader) throw badMessage('its Content is empty')
      const claims = reader.end()
      if (claims.claims.length > 0) keeper.drop()
      return { digest: hash.digest(), length: hash.length(), claims, kept: keeper.end() }
    },
  }
}

function elementsBeside(part: XmlPart) {
  const line = part.kind === 'text' ? '' : `line ${part.line}: `
  return badMessage(
    `${line}its Content holds more than one STIX_Package; send each in a block of its own`,
  )
}

function notStix(part: Exclude<XmlPart, { kind: 'text' }>) {
  const { name, namespace } = part.element
  const what = name === 'STIX_Package' ? `a STIX_Package of "${namespace}"` : `"${name}"`
  return badMessage(
    `line ${part.line}: its Content is ${what.slice(0, 200)}, and no STIX_Package of STIX 1.0 to 1.2`,
  )
}
