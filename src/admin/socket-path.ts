import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'

/** In the data folder: what the machine's own administrator asks the service through. */
export const socketName = 'taxiway.sock'

// sun_path has 108 bytes on Linux and 104 elsewhere, the last of which is 0.
const maxBytes = process.platform === 'linux' ? 107 : 103

export interface SocketFolder {
  /** how a socket of this name in the folder is named to the system; undefined: no way is short enough */
  path(name: string): string | undefined
  /** Ends what `path` returns, which connections that stand do without. */
  close(): Promise<void>
}

/** Names sockets in a folder however long its own path is. @throws what opening the folder throws */
export async function openSocketFolder(folder: string): Promise<SocketFolder> {
  const absolute = resolve(folder)
  let handle: FileHandle | undefined
  // On Linux a folder that is open has a short name.
  if (process.platform === 'linux' && !fits(join(absolute, longestName))) {
    handle = await open(absolute, constants.O_RDONLY | constants.O_DIRECTORY)
  }
  const folders = [
    absolute,
    relative('.', absolute) || '.',
    ...(handle ? [`/proc/self/fd/${handle.fd}`] : []),
  ]
  return {
    path: (name) => folders.map((one) => join(one, name)).find(fits),
    close: async () => handle?.close(),
  }
}

const longestName = 'taxiway.sock.0123456789'

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= maxBytes
}
