import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin, stripTypeScriptTypes } from 'node:module'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

interface Rule {
  /** Other folders of src/ it may import; '*' is every one. */
  folders: string[]
  npm: string[]
  /** Which of Node's modules it may use; absent: all of them. */
  node?: string[]
}

// The same table as in docs/architecture.md: when a rule is wrong, change both in one commit.
const pureNode = ['url', 'crypto', 'util', 'buffer', 'net'].map((name) => `node:${name}`)
const rules: Record<string, Rule> = {
  model: { folders: [], npm: ['tldts'], node: pureNode },
  xml: { folders: [], npm: ['fast-xml-parser', 'saxes'], node: pureNode },
  curation: { folders: ['model'], npm: ['re2js'], node: pureNode },
  stix: { folders: ['model', 'xml'], npm: [], node: pureNode },
  sources: { folders: ['model'], npm: ['undici', 'amqplib', 'ajv', 'ajv-formats'] },
  store: { folders: ['model'], npm: ['kysely', 'pg', '@electric-sql/pglite'] },
  jobs: { folders: ['model', 'store'], npm: ['pg-boss'] },
  publish: { folders: ['model', 'store', 'stix'], npm: [] },
  intake: { folders: ['model', 'curation', 'store', 'publish'], npm: [] },
  ingest: { folders: ['model', 'sources', 'intake', 'store', 'jobs'], npm: [] },
  isolation: { folders: ['model', 'store', 'jobs'], npm: [] },
  security: { folders: ['model', 'store'], npm: ['jose', 'lru-cache'] },
  http: { folders: ['model', 'security'], npm: ['fastify', '@fastify/*', 'typebox'] },
  taxii: {
    folders: ['model', 'store', 'publish', 'stix', 'intake', 'xml', 'http'],
    npm: ['fastify', 'undici'],
  },
  admin: {
    folders: ['model', 'store', 'intake', 'ingest', 'publish', 'isolation', 'security', 'http'],
    npm: ['fastify', 'typebox', '@fastify/type-provider-typebox', 'ajv', 'ajv-formats'],
  },
  standins: { folders: [], npm: ['fastify'] },
  cli: { folders: ['*'], npm: ['commander', 'cli-progress'] },
}

/** A package that one file of its folder alone may use. */
const onlyIn: Record<string, Record<string, string>> = {
  taxii: { fastify: 'taxii/routes.ts', undici: 'taxii/client/http.ts' },
  admin: {
    '@fastify/type-provider-typebox': 'admin/scope.ts',
    ajv: 'admin/validation.ts',
    'ajv-formats': 'admin/validation.ts',
  },
}

const vagueNames = /^(utils?|helpers?|common|managers?)$/

/** A file of src/, its path from there in POSIX spelling. */
interface SourceFile {
  path: string
  text: string
}

function findBreaches(files: SourceFile[]): string[] {
  return files.flatMap((file) => [...findBadNames(file.path), ...findBadImports(file)])
}

function findBadNames(path: string): string[] {
  const parts = path.replace(/\.ts$/, '').split('/')
  const vague = parts.filter((part) => vagueNames.test(part))
  const breaches = vague.map((part) => `${path}: '${part}' says nothing of what is in it`)
  const folder = folderOf(path)
  if (folder !== undefined && rules[folder] === undefined) {
    breaches.push(`${path}: the table has no folder '${folder}'`)
  }
  return breaches
}

function findBadImports({ path, text }: SourceFile): string[] {
  const folder = folderOf(path)
  const rule = folder === undefined ? undefined : rules[folder]
  // Files directly in src/ wire the parts and may import everything.
  if (folder === undefined || rule === undefined) return []
  return findImports(text)
    .filter((specifier) => !isAllowed(specifier, path, folder, rule))
    .map((specifier) => `${path}: ${folder} may not import '${specifier}'`)
}

function isAllowed(specifier: string, path: string, folder: string, rule: Rule): boolean {
  if (specifier.startsWith('.')) {
    const target = folderOf(join(dirname(path), specifier).split(sep).join('/'))
    if (target === folder || rule.folders.includes('*')) return true
    return target !== undefined && rule.folders.includes(target)
  }
  if (isBuiltin(specifier)) return rule.node === undefined || rule.node.includes(specifier)
  const packageName = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const file = onlyIn[folder]?.[packageName]
  if (file !== undefined) return path === file
  return rule.npm.some((allowed) =>
    allowed.endsWith('/*') ? packageName.startsWith(allowed.slice(0, -1)) : packageName === allowed,
  )
}

/** @returns the first folder of a path in src/, or undefined for a file directly in it */
function folderOf(path: string): string | undefined {
  const parts = path.split('/')
  return parts.length > 1 ? parts[0] : undefined
}

/**
 * Every module a file names, type imports too: the way of the data must hold for what is known as
 * well as for what is called.
 */
function findImports(text: string): string[] {
  const code = withoutComments(text)
  const patterns = [
    /\b(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])(?<specifier>[^'"\n]+)\1/g,
    /\bimport\s*(['"])(?<specifier>[^'"\n]+)\1/g,
    /\b(?:import|require(?:\.resolve)?)\s*\(\s*(['"`])(?<specifier>[^'"`\n]+)\1/g,
  ]
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => String(match.groups?.specifier)),
  )
}

// Strings are matched too, so that '//' in a URL does not begin a comment.
function withoutComments(text: string): string {
  const tokens = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g
  return text.replace(tokens, (token) => (token.startsWith('/') ? ' ' : token))
}

function readSources(): SourceFile[] {
  const src = fileURLToPath(new URL('../src/', import.meta.url))
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => resolve(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(src, path).split(sep).join('/'),
      text: readFileSync(path, 'utf8'),
    }))
}

t.test('every import in src keeps to the table', async (t) => {
  const files = readSources()
  t.ok(files.length > 0)
  t.ok(files.some((file) => findImports(file.text).length > 0))
  t.same(findBreaches(files), [])
})

t.test('types are stripped, so no file uses syntax that has to be compiled', async (t) => {
  for (const { path, text } of readSources()) {
    t.doesNotThrow(() => stripTypeScriptTypes(text), path)
  }
})

t.test('a breach of the table is found, however it is written', async (t) => {
  const breaches: [path: string, text: string][] = [
    ['model/indicator.ts', `import { openDb } from '../store/db.ts'`],
    ['model/indicator.ts', `import type {\n  Db,\n} from '../store/db.ts'`],
    ['model/indicator.ts', `export * from '../store/db.ts'`],
    ['model/indicator.ts', `const db = await import('../store/db.ts')`],
    ['model/indicator.ts', `const db = await import(\`../store/db.ts\`)`],
    ['model/indicator.ts', `import '../store/db.ts'`],
    ['model/indicator.ts', `import { config } from '../config.ts'`],
    ['model/indicator.ts', `import { readFileSync } from 'node:fs'`],
    ['model/indicator.ts', `import net from 'net'`],
    ['sources/otx/pulse.ts', `import { judge } from '../../curation/judge.ts'`],
    ['store/db.ts', `import Fastify from 'fastify'`],
    ['store/db.ts', `const url = 'http://a' // b\nimport { Pool } from 'undici'`],
    ['taxii/poll.ts', `import type { FastifyInstance } from 'fastify'`],
    ['publish/write.ts', `import fastifyBasicAuth from '@fastify/basic-auth'`],
    ['xml/utils.ts', ''],
    ['store/common/rows.ts', ''],
    ['backend/thing.ts', ''],
  ]
  for (const [path, text] of breaches) {
    t.equal(findBreaches([{ path, text }]).length, 1, `${basename(path)}: ${text}`)
  }
})

t.test('what the table permits is no breach', async (t) => {
  const permitted: [path: string, text: string][] = [
    ['main.ts', `import { serve } from './cli/serve.ts'\nimport pg from 'pg'`],
    ['model/indicator.ts', `import { domainToASCII } from 'node:url'\nimport './tlp.ts'`],
    ['model/indicator.ts', `// import { openDb } from '../store/db.ts'`],
    ['model/indicator.ts', `/* import '../store/db.ts' */`],
    ['sources/otx/client.ts', `import { Pool } from 'undici'\nimport '../../model/tlp.ts'`],
    ['store/db.ts', `import { Migrator } from 'kysely/migration'\nimport fs from 'node:fs'`],
    ['http/auth.ts', `import fastifyBasicAuth from '@fastify/basic-auth'`],
    ['taxii/routes.ts', `import type { FastifyInstance } from 'fastify'`],
    ['cli/serve.ts', `import { openDb } from '../store/db.ts'\nimport '../service.ts'`],
  ]
  for (const [path, text] of permitted) {
    t.same(findBreaches([{ path, text }]), [], `${basename(path)}: ${text}`)
  }
})
