import { readFileSync } from 'node:fs'
import { type InboxConfig, readInbox } from './config-inbox.ts'
import { readLimits } from './config-limits.ts'
import { readTls, readTrustedProxies, type TlsConfig } from './config-tls.ts'
import type { ConnectionLimits } from './http/limits.ts'
import { accountNameFault, passwordFault } from './model/account.ts'
import { authorCollectionName } from './model/author-collection.ts'
import { ConfigError } from './model/errors.ts'
import { parseTlp, type Tlp, tlpLevels } from './model/tlp.ts'
import { defaultIdNamespace, idNamespaceFault } from './stix/ids.ts'

export interface Config {
  readonly host: string
  readonly port: number
  /** where clients reach the service; undefined: what each request says of itself */
  readonly publicUrl: string | undefined
  /** undefined: the embedded database in dataDir */
  readonly databaseUrl: string | undefined
  readonly dataDir: string
  readonly adminUsername: string
  /** undefined: made at the first start */
  readonly adminPassword: string | undefined
  readonly logLevel: string
  readonly secrets: {
    /** encrypts what must be kept and signs tokens, the same for all replicas; undefined: made once in dataDir */
    readonly key: string | undefined
    /** the one before, still accepted while keys are changed */
    readonly previousKey: string | undefined
  }
  /** how long a JWT of /management/auth is accepted */
  readonly jwtSeconds: number
  /** undefined: plain HTTP */
  readonly tls: TlsConfig | undefined
  /** whether plain HTTP may be spoken beyond loopback */
  readonly allowPlainHttp: boolean
  /** addresses and CIDR blocks of proxies whose X-Forwarded headers are believed */
  readonly trustedProxies: readonly string[]
  /** what clients may take of the service */
  readonly limits: ConnectionLimits
  /** how long the parts of a paged poll can be fetched */
  readonly resultSetSeconds: number
  /** how long polls stay in the ledger */
  readonly ledgerDays: number
  readonly producer: {
    readonly name: string
    readonly idNamespace: { readonly prefix: string; readonly uri: string }
  }
  readonly inbox: InboxConfig
  readonly otx: OtxConfig | undefined
  /** a folder of warninglists in MISP's format */
  readonly warninglistsDir: string | undefined
  /** what looks like a mistake but need not be one, a sentence each */
  readonly warnings: readonly string[]
}

export interface OtxConfig {
  readonly url: string
  readonly apiKey: string
  readonly pollSeconds: number
  /** for pulses that name no level */
  readonly defaultTlp: Tlp
  /** 0 to 100, of every assertion */
  readonly confidence: number
  /** how old pulses may be that a first walk takes in */
  readonly firstSyncDays: number
  /** whether each author has a collection of its own, as at OTX */
  readonly authorCollections: boolean
  /** authors who have one although none of their pulses has been met */
  readonly authors: readonly string[]
  /** whether OTX is asked of each pulse which of its indicators are false positives: a request more a pulse */
  readonly falsePositives: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings from the environment: `TAXIWAY_…`, a secret also as `TAXIWAY_…_FILE`.
 * @throws ConfigError naming every variable that is wrong and what it should be
 */
export function readConfig(environment: Environment = process.env): Config {
  return readConfigAndClient(environment).config
}

function readConfigAndClient(environment: Environment): {
  readonly config: Config
  readonly client: ClientConfig
} {
  const problems: string[] = []
  const known = new Set<string>()
  const read = (name: string): string | undefined => {
    known.add(`TAXIWAY_${name}`)
    return environment[`TAXIWAY_${name}`]?.trim() || undefined
  }
  const problem = (name: string, shouldBe: string) => {
    problems.push(`TAXIWAY_${name} ${shouldBe}`)
    return undefined
  }
  const secret = (name: string): string | undefined => {
    // Not trimmed: a password may begin or end with a space.
    const direct = read(name) && environment[`TAXIWAY_${name}`]
    const path = read(`${name}_FILE`)
    if (direct !== undefined && path !== undefined) {
      return problem(name, `and TAXIWAY_${name}_FILE are both set; keep one`)
    }
    if (path === undefined) return direct
    try {
      const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
      return text === '' ? problem(`${name}_FILE`, `names ${path}, which is empty`) : text
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return problem(`${name}_FILE`, `names ${path}, which cannot be read (${code})`)
    }
  }
  const integer = (name: string, least: number, most: number, otherwise: number): number => {
    const text = read(name)
    if (text === undefined) return otherwise
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    problem(name, `must be a whole number from ${least} to ${most}, not "${text}"`)
    return otherwise
  }
  const flag = (name: string, otherwise: boolean): boolean => {
    const text = read(name)
    if (text === undefined || text === 'true' || text === 'false') {
      return text === undefined ? otherwise : text === 'true'
    }
    problem(name, `must be true or false, not "${text}"`)
    return otherwise
  }
  const url = (name: string, protocols: readonly string[], text: string | undefined) => {
    if (text === undefined) return undefined
    const scheme = protocols.map((protocol) => `${protocol}://`).join(' or ')
    // A database's URL holds its password, so the value itself is not repeated.
    if (!URL.canParse(text) || !text.includes('://'))
      return problem(name, `must be a URL that begins with ${scheme}`)
    const { protocol } = new URL(text)
    if (protocols.includes(protocol.slice(0, -1))) return text
    return problem(name, `must begin with ${scheme}, not ${protocol}//`)
  }

  const readers = { read, problem, secret, integer, flag, url }
  const publicUrl = url('PUBLIC_URL', ['http', 'https'], read('PUBLIC_URL'))
  if (publicUrl !== undefined) {
    // Every client is told it, with the services' paths at its end.
    const { username, password, search, hash } = new URL(publicUrl)
    if (username || password) problem('PUBLIC_URL', 'must not hold a user or a password')
    if (search || hash) problem('PUBLIC_URL', 'must end with its path, without "?" and "#"')
  }
  const databaseUrl = url('DATABASE_URL', ['postgres', 'postgresql'], secret('DATABASE_URL'))
  const idNamespace = {
    prefix: read('STIX_ID_PREFIX') ?? defaultIdNamespace.prefix,
    uri: read('STIX_ID_NAMESPACE') ?? defaultIdNamespace.uri,
  }
  const fault = idNamespaceFault(idNamespace)
  if (fault) problem('STIX_ID_PREFIX', `or TAXIWAY_STIX_ID_NAMESPACE is wrong: ${fault}`)
  const logLevel = read('LOG_LEVEL') ?? 'info'
  if (!logLevels.includes(logLevel)) {
    problem('LOG_LEVEL', `must be one of ${logLevels.join(', ')}, not "${logLevel}"`)
  }
  const config: Omit<Config, 'warnings'> = {
    host: read('HOST') ?? '127.0.0.1',
    port: integer('PORT', 0, 65_535, 9_000),
    publicUrl,
    databaseUrl,
    dataDir: read('DATA_DIR') ?? './data',
    adminUsername: read('ADMIN_USERNAME') ?? 'admin',
    adminPassword: secret('ADMIN_PASSWORD'),
    logLevel,
    secrets: { key: secret('SECRET_KEY'), previousKey: secret('SECRET_KEY_PREVIOUS') },
    jwtSeconds: integer('JWT_SECONDS', 60, 86_400, 3_600),
    tls: readTls(readers),
    allowPlainHttp: flag('ALLOW_PLAIN_HTTP', false),
    trustedProxies: readTrustedProxies(readers),
    limits: readLimits(readers),
    resultSetSeconds: integer('RESULT_SET_SECONDS', 60, 604_800, 86_400),
    ledgerDays: integer('LEDGER_DAYS', 2, 3_650, 90),
    producer: {
      name: read('PRODUCER_NAME') ?? 'Taxiway',
      idNamespace,
    },
    inbox: readInbox(readers),
    otx: readOtx(readers),
    warninglistsDir: read('WARNINGLISTS_DIR'),
  }
  const client: ClientConfig = {
    url: url('URL', ['http', 'https'], read('URL')),
    token: secret('TOKEN'),
    caFile: read('CA_FILE'),
  }
  for (const [name, key] of [
    ['SECRET_KEY', config.secrets.key],
    ['SECRET_KEY_PREVIOUS', config.secrets.previousKey],
  ] as const) {
    if (key !== undefined && key.length < minSecretKeyLength) {
      problem(name, 'must have at least 32 characters; "openssl rand -base64 32" makes one')
    }
  }
  if (config.secrets.previousKey !== undefined && config.secrets.key === undefined) {
    problem('SECRET_KEY_PREVIOUS', 'needs TAXIWAY_SECRET_KEY, the key that comes after it')
  }
  if (config.adminPassword !== undefined) {
    const fault = passwordFault(config.adminPassword)
    if (fault) problem('ADMIN_PASSWORD', fault)
  }
  const nameFault = accountNameFault(config.adminUsername)
  if (nameFault) problem('ADMIN_USERNAME', nameFault)
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  // No error: Kubernetes sets variables such as TAXIWAY_SERVICE_HOST by itself.
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('TAXIWAY_') && !known.has(name),
  )
  const warnings = unknown.map(
    (name) => `${name} is not a setting of Taxiway; .env.example has all`,
  )
  if (config.tls && publicUrl?.startsWith('http:')) {
    warnings.push(
      'TAXIWAY_PUBLIC_URL begins with http://, and the service speaks TLS: clients are told an address that does not answer',
    )
  }
  return { config: { ...config, warnings }, client }
}

const minSecretKeyLength = 32
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** How a part of the settings is read; a name is without its TAXIWAY_, and what is wrong is told at the end. */
export interface Readers {
  read(name: string): string | undefined
  secret(name: string): string | undefined
  problem(name: string, shouldBe: string): undefined
  integer(name: string, least: number, most: number, otherwise: number): number
  flag(name: string, otherwise: boolean): boolean
  url(name: string, protocols: readonly string[], text: string | undefined): string | undefined
}

/** Where a command finds a server that does not run on this machine. */
export interface ClientConfig {
  readonly url: string | undefined
  readonly token: string | undefined
  /** PEM: who signs the server's certificate, besides those that Node knows */
  readonly caFile: string | undefined
}

/** @throws ConfigError */
export function readClientConfig(environment: Environment = process.env): ClientConfig {
  return readConfigAndClient(environment).client
}

function readOtx({ read, secret, problem, integer, flag, url }: Readers): OtxConfig | undefined {
  const apiKey = secret('OTX_API_KEY')
  const tlp = read('OTX_DEFAULT_TLP') ?? 'white'
  const defaultTlp = parseTlp(tlp)
  if (!defaultTlp)
    problem('OTX_DEFAULT_TLP', `must be one of ${tlpLevels.join(', ')}, not "${tlp}"`)
  const authors = (read('OTX_AUTHORS') ?? '').split(',').flatMap((name) => name.trim() || [])
  for (const author of authors) {
    if (authorCollectionName(author) !== undefined) continue
    problem('OTX_AUTHORS', `must not name "${author}": no collection can be called user_${author}`)
  }
  const config = {
    url: url('OTX_URL', ['http', 'https'], read('OTX_URL')) ?? 'https://otx.alienvault.com',
    pollSeconds: integer('OTX_POLL_SECONDS', 10, 86_400, 900),
    defaultTlp: defaultTlp ?? 'white',
    confidence: integer('OTX_CONFIDENCE', 0, 100, 25),
    firstSyncDays: integer('OTX_FIRST_SYNC_DAYS', 1, 36_500, 30),
    authorCollections: flag('OTX_AUTHOR_COLLECTIONS', true),
    authors,
    falsePositives: flag('OTX_FALSE_POSITIVES', false),
  }
  return apiKey === undefined ? undefined : { ...config, apiKey }
}
