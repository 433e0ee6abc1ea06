import { gzipSync } from 'node:zlib'
import type { XmlPart } from '../xml/parts.ts'
import { createXmlSerializer, type Declarations, type XmlSerializer } from '../xml/serialize.ts'

/** Keeps what a block holds for as long as nothing of it was understood. */
export interface ContentKeeper {
  take(part: XmlPart): void
  /** What is kept already is let go, and nothing more is. */
  drop(): void
  /** @returns gzip, of several members where it is large; undefined: it was dropped */
  end(): Buffer | undefined
}

// What is written at once: a poll that comes in meanwhile waits for milliseconds.
const pieceLength = 262_144
// Of a block that is understood, its first parts are all that was kept: they are written only when they are many.
const manyParts = 64

/** @param around as of createXmlSerializer */
export function createContentKeeper(around: Declarations): ContentKeeper {
  let serializer: XmlSerializer | undefined
  let parts: XmlPart[] = []
  let text = ''
  let members: Buffer[] = []
  let dropped = false

  function write(): void {
    serializer ??= createXmlSerializer(around)
    for (const part of parts) {
      if (part.kind === 'open') text += serializer.open(part.element)
      else if (part.kind === 'child') text += serializer.child(part.element)
      else if (part.kind === 'text') text += serializer.text(part.text)
      else text += serializer.close()
      if (text.length >= pieceLength) compress()
    }
    parts = []
  }

  function compress(): void {
    members.push(gzipSync(text))
    text = ''
  }

  return {
    take(part) {
      if (dropped) return
      parts.push(part)
      if (parts.length >= manyParts) write()
    },
    drop() {
      dropped = true
      parts = []
      members = []
      text = ''
    },
    end() {
      if (dropped) return undefined
      write()
      compress()
      return Buffer.concat(members)
    },
  }
}
