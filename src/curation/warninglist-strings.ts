import { normalForm } from '../model/normal-form.ts'
import type { ObservableType } from '../model/observable.ts'
import { hasWebScheme } from '../model/refang.ts'
import type { OnUnusable, PreparedWarninglist, WarninglistContent } from './prepare-warninglist.ts'
import { createTextTable, type TextTable } from './text-table.ts'
import { flagsOfTypes, hostFlag, ofHosts, speaksOfHost, typeFlags } from './warninglist-types.ts'

/** Lists whose entries are what they name, spelled one way or another. */
export function prepareStrings(
  { types, entries }: WarninglistContent,
  onUnusable: OnUnusable,
): PreparedWarninglist {
  const flags = flagsOfTypes(types)
  const table = readTable(types, entries, onUnusable)
  return {
    texts: table,
    find(observed) {
      const { type, value, hash, host, bare } = observed
      if (table.has(value, 0, hash, typeFlags[type])) return { entry: value, whole: true }
      if (!host || !speaksOfHost(flags, observed)) return undefined
      const found = table.has(host.text, 0, host.hashes[0] as number, hostFlag)
      return found ? { entry: host.text, whole: bare } : undefined
    },
  }
}

// Apart from what looks through it, whose closures would keep the texts that went into the table.
function readTable(
  types: readonly ObservableType[],
  entries: readonly string[],
  onUnusable: OnUnusable,
): TextTable {
  const readForms = createReadForms(types)
  const texts: string[] = []
  const textFlags: number[] = []
  entries.forEach((entry, index) => {
    const before = texts.length
    readForms(entry, (text, flags) => {
      texts.push(text)
      textFlags.push(flags)
    })
    if (texts.length === before)
      onUnusable(index, 'is nothing of the types that the list speaks of')
  })
  return createTextTable(texts, textFlags)
}

/** Tells the normal forms of an entry, each with the types whose values it may equal. */
function createReadForms(types: readonly ObservableType[]) {
  const flags = flagsOfTypes(types)
  const others = types.filter((type) => (typeFlags[type] & ofHosts) === 0 || type === 'uri')

  return (entry: string, add: (text: string, flags: number) => void): void => {
    const isHost = (flags & ofHosts) !== 0 && readHost(entry, add)
    if ((flags & typeFlags.url) !== 0 && !isHost) readUrl(entry, add)
    if ((flags & typeFlags.email) !== 0 && !isHost) addForm('email', entry, add)
    for (const type of others) addForm(type, entry, add)
  }

  /** @returns whether the entry is a name or an address; then it is no URL and no mailbox */
  function readHost(entry: string, add: (text: string, flags: number) => void): boolean {
    const form = normalForm('domain', entry)
    if (!form.ok) return false
    if (form.type === 'url') {
      // A list of domains that says a URL means that URL.
      if ((flags & typeFlags.domain) !== 0) add(form.value, typeFlags.url)
      return false
    }
    const { type, value } = form
    const own = type === 'domain' ? typeFlags.domain : typeFlags[type] | networkFlags
    add(value, ((flags & own) === 0 ? 0 : typeFlags[type]) | (type === 'cidr' ? 0 : hostFlag))
    return true
  }
}

const networkFlags = typeFlags.ipv4 | typeFlags.ipv6 | typeFlags.cidr | typeFlags.domain

function readUrl(entry: string, add: (text: string, flags: number) => void): void {
  const form = normalForm('url', entry)
  if (!form.ok) return
  add(form.value, typeFlags[form.type])
  // Without a scheme it names the page under either.
  const schemeless = form.type === 'url' && !hasWebScheme(entry.trim())
  if (schemeless) add(`https${form.value.slice('http'.length)}`, typeFlags.url)
}

function addForm(
  type: ObservableType,
  entry: string,
  add: (text: string, flags: number) => void,
): void {
  const form = normalForm(type, entry)
  if (form.ok) add(form.value, typeFlags[form.type])
}
