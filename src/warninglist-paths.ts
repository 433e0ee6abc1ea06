import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from './model/errors.ts'

/** @throws ConfigError when there are none */
export function getListFiles(path: string): readonly string[] {
  const found = findListFiles(path)
  if (found.length > 0) return found
  throw new ConfigError(`${path} holds no list.json, no folder with one and no other .json file`)
}

/**
 * The files of lists that a path stands for, in the order of their names.
 * @throws ConfigError when it cannot be read
 */
export function findListFiles(path: string): readonly string[] {
  if (!statOf(path).isDirectory()) return [path]
  const own = join(path, 'list.json')
  const content = listFolder(path).filter(({ name }) => !name.startsWith('.'))
  if (content.some((entry) => entry.name === 'list.json')) return [own]
  const found = content.flatMap((entry) => {
    const inner = join(path, entry.name)
    if (isFolder(path, entry)) return hasList(inner) ? [join(inner, 'list.json')] : []
    return entry.name.endsWith('.json') ? [inner] : []
  })
  const lists = join(path, 'lists')
  // MISP's collection has its schema beside the folder "lists".
  const isCollection = content.some((entry) => entry.name === 'lists' && isFolder(path, entry))
  if (isCollection && !found.some((file) => file.endsWith('/list.json')))
    return findListFiles(lists)
  return found
}

/** @throws ConfigError when there is nothing */
export function statOf(path: string): Stats {
  try {
    return statSync(path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function listFolder(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function isFolder(path: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  return statSync(join(path, entry.name), { throwIfNoEntry: false })?.isDirectory() === true
}

function hasList(folder: string): boolean {
  return listFolder(folder).some(({ name }) => name === 'list.json')
}

export function unreadable(path: string, cause: unknown): ConfigError {
  const { code } = cause as NodeJS.ErrnoException
  return new ConfigError(`${path} cannot be read (${code})`, { cause })
}
