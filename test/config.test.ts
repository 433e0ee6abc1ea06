import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ClientConfig, type Config, readClientConfig, readConfig } from '../src/config.ts'
import { ConfigError } from '../src/model/errors.ts'

const folder = t.testdir()

function problemsOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n')
  }
}

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const key = { TAXIWAY_OTX_API_KEY: 'key' }

t.test('without any variable there are defaults, and no secret among them', async (t) => {
  t.strictSame(readConfig({}), {
    host: '127.0.0.1',
    port: 9000,
    publicUrl: undefined,
    databaseUrl: undefined,
    dataDir: './data',
    adminUsername: 'admin',
    adminPassword: undefined,
    logLevel: 'info',
    secrets: { key: undefined, previousKey: undefined },
    jwtSeconds: 3_600,
    tls: undefined,
    allowPlainHttp: false,
    trustedProxies: [],
    limits: {
      maxConnections: 2_000,
      maxConnectionsPerAddress: 200,
      maxPipelinedRequests: 64,
      headSeconds: 20,
      requestSeconds: 300,
      sendSeconds: 120,
      idleSeconds: 75,
    },
    resultSetSeconds: 86_400,
    ledgerDays: 90,
    producer: {
      name: 'Taxiway',
      idNamespace: { prefix: 'taxiway', uri: 'http://taxiway.invalid/' },
    },
    inbox: { destination: 'required', maxBytes: 52_428_800, tlp: 'amber', days: 90 },
    otx: undefined,
    warninglistsDir: undefined,
    warnings: [],
  })
  t.strictSame(readConfig(key).otx, {
    url: 'https://otx.alienvault.com',
    apiKey: 'key',
    pollSeconds: 900,
    defaultTlp: 'white',
    confidence: 25,
    firstSyncDays: 30,
    authorCollections: true,
    authors: [],
    falsePositives: false,
  })
})

type Pick = (config: Config, client: ClientConfig) => unknown
const good: readonly (readonly [string, string, Pick, unknown?])[] = [
  ['HOST', '::1', (config) => config.host],
  ['HOST', ' 0.0.0.0 ', (config) => config.host, '0.0.0.0'],
  ['PORT', '0', (config) => config.port, 0],
  ['PORT', '65535', (config) => config.port, 65_535],
  ['PORT', '09000', (config) => config.port, 9_000],
  ['TLS_CERT_FILE', '/tls/server.crt', (config) => config.tls?.certFile],
  ['TLS_KEY_FILE', '/tls/server.key', (config) => config.tls?.keyFile],
  ['TLS_KEY_PASSPHRASE', '  it has spaces ', (config) => config.tls?.keyPassphrase],
  ['TLS_MIN_VERSION', '1.2', (config) => config.tls?.minVersion, 'TLSv1.2'],
  ['TLS_MIN_VERSION', '1.3', (config) => config.tls?.minVersion, 'TLSv1.3'],
  ['TLS_CLIENT_CA_FILE', '/tls/clients.crt', (config) => config.tls?.clientCaFile],
  ['TLS_CLIENT_CERTIFICATES', 'optional', (config) => config.tls?.clientCertificates],
  ['TLS_CLIENT_CERTIFICATES', 'required', (config) => config.tls?.clientCertificates],
  ['ALLOW_PLAIN_HTTP', 'true', (config) => config.allowPlainHttp, true],
  ['ALLOW_PLAIN_HTTP', 'false', (config) => config.allowPlainHttp, false],
  ['TRUSTED_PROXIES', '10.0.0.5', (config) => config.trustedProxies.join(' ')],
  [
    'TRUSTED_PROXIES',
    ' 10.1.0.0/16,, ::1 , fd00::/8, ::/128 ',
    (config) => config.trustedProxies.join(' '),
    '10.1.0.0/16 ::1 fd00::/8 ::/128',
  ],
  ['PUBLIC_URL', 'https://feeds.example.org/threat/', (config) => config.publicUrl],
  ['SECRET_KEY', 'k'.repeat(32), (config) => config.secrets.key],
  ['SECRET_KEY_PREVIOUS', 'p'.repeat(32), (config) => config.secrets.previousKey],
  ['JWT_SECONDS', '60', (config) => config.jwtSeconds, 60],
  ['JWT_SECONDS', '86400', (config) => config.jwtSeconds, 86_400],
  ['URL', 'https://taxii.example.com:9000/threat', (_, client) => client.url],
  ['TOKEN', 'a token', (_, client) => client.token],
  ['CA_FILE', '/tls/ca.crt', (_, client) => client.caFile],
  ['DATABASE_URL', 'postgres://u:p@db/taxiway', (config) => config.databaseUrl],
  ['DATABASE_URL', 'postgresql://u:p@db:6432/taxiway?ssl=true', (config) => config.databaseUrl],
  ['DATA_DIR', '/var/lib/taxiway', (config) => config.dataDir],
  ['ADMIN_USERNAME', 'root', (config) => config.adminUsername],
  ['ADMIN_PASSWORD', 'twelve chars', (config) => config.adminPassword],
  ['ADMIN_PASSWORD', '  twelve chars  ', (config) => config.adminPassword],
  ['LOG_LEVEL', 'trace', (config) => config.logLevel],
  ['LOG_LEVEL', 'silent', (config) => config.logLevel],
  ['INBOX_DESTINATION', 'optional', (config) => config.inbox.destination],
  ['INBOX_DESTINATION', 'prohibited', (config) => config.inbox.destination],
  ['INBOX_MAX_MB', '1000', (config) => config.inbox.maxBytes, 1_048_576_000],
  ['INBOX_TLP', 'TLP:GREEN', (config) => config.inbox.tlp, 'green'],
  ['INBOX_DAYS', '2', (config) => config.inbox.days, 2],
  ['RESULT_SET_SECONDS', '60', (config) => config.resultSetSeconds, 60],
  ['RESULT_SET_SECONDS', '604800', (config) => config.resultSetSeconds, 604_800],
  ['LEDGER_DAYS', '2', (config) => config.ledgerDays, 2],
  ['LEDGER_DAYS', '3650', (config) => config.ledgerDays, 3_650],
  ['MAX_CONNECTIONS', '1', (config) => config.limits.maxConnections, 1],
  ['MAX_CONNECTIONS_PER_ADDRESS', '100000', (c) => c.limits.maxConnectionsPerAddress, 100_000],
  ['MAX_PIPELINED_REQUESTS', '1000', (config) => config.limits.maxPipelinedRequests, 1_000],
  ['HEAD_SECONDS', '3600', (config) => config.limits.headSeconds, 3_600],
  ['REQUEST_SECONDS', '1', (config) => config.limits.requestSeconds, 1],
  ['SEND_SECONDS', '86400', (config) => config.limits.sendSeconds, 86_400],
  ['IDLE_SECONDS', '60', (config) => config.limits.idleSeconds, 60],
  ['PRODUCER_NAME', 'Harbour & Söhne', (config) => config.producer.name],
  ['STIX_ID_PREFIX', 'harbour', (config) => config.producer.idNamespace.prefix],
  ['STIX_ID_NAMESPACE', 'https://harbour.example/', (config) => config.producer.idNamespace.uri],
  ['OTX_API_KEY', '0123abcd', (config) => config.otx?.apiKey],
  ['OTX_URL', 'http://127.0.0.1:8080/', (config) => config.otx?.url],
  ['OTX_POLL_SECONDS', '10', (config) => config.otx?.pollSeconds, 10],
  ['OTX_POLL_SECONDS', '86400', (config) => config.otx?.pollSeconds, 86_400],
  ['OTX_DEFAULT_TLP', 'amber+strict', (config) => config.otx?.defaultTlp],
  ['OTX_CONFIDENCE', '0', (config) => config.otx?.confidence, 0],
  ['OTX_CONFIDENCE', '100', (config) => config.otx?.confidence, 100],
  ['OTX_FIRST_SYNC_DAYS', '1', (config) => config.otx?.firstSyncDays, 1],
  ['OTX_FIRST_SYNC_DAYS', '36500', (config) => config.otx?.firstSyncDays, 36_500],
  ['OTX_AUTHOR_COLLECTIONS', 'false', (config) => config.otx?.authorCollections, false],
  ['OTX_AUTHOR_COLLECTIONS', 'true', (config) => config.otx?.authorCollections, true],
  ['OTX_AUTHORS', 'AlienVault', (config) => config.otx?.authors.join(' ')],
  ['OTX_AUTHORS', ' a@b, ,c_d. ', (config) => config.otx?.authors.join(' '), 'a@b c_d.'],
  ['OTX_FALSE_POSITIVES', 'true', (config) => config.otx?.falsePositives, true],
  ['WARNINGLISTS_DIR', '/etc/taxiway/lists', (config) => config.warninglistsDir],
]

// What others are of no use without.
const beside: Record<string, string> = {
  ...key,
  TAXIWAY_TLS_CERT_FILE: '/tls/cert.pem',
  TAXIWAY_TLS_KEY_FILE: '/tls/key.pem',
  TAXIWAY_TLS_CLIENT_CA_FILE: '/tls/ca.pem',
  TAXIWAY_SECRET_KEY: 'n'.repeat(32),
}

t.test('a good value is taken', async (t) => {
  for (const [name, value, pick, expected = value] of good) {
    const environment = { ...beside, [`TAXIWAY_${name}`]: value }
    const config = readConfig(environment)
    t.equal(pick(config, readClientConfig(environment)), expected, `${name}=${value}`)
    t.strictSame(config.warnings, [])
  }
})

const bad: readonly (readonly [string, string, string])[] = [
  ['PORT', '65536', 'must be a whole number from 0 to 65535, not "65536"'],
  ['PORT', '-1', 'must be a whole number from 0 to 65535, not "-1"'],
  ['PORT', '80.5', 'must be a whole number from 0 to 65535, not "80.5"'],
  ['PORT', '0x50', 'must be a whole number from 0 to 65535, not "0x50"'],
  ['PORT', 'http', 'must be a whole number from 0 to 65535, not "http"'],
  ['LEDGER_DAYS', '1', 'must be a whole number from 2 to 3650, not "1"'],
  ['MAX_CONNECTIONS', '0', 'must be a whole number from 1 to 100000, not "0"'],
  ['MAX_CONNECTIONS_PER_ADDRESS', '-1', 'must be a whole number from 1 to 100000, not "-1"'],
  ['MAX_PIPELINED_REQUESTS', '1001', 'must be a whole number from 1 to 1000, not "1001"'],
  ['HEAD_SECONDS', '0', 'must be a whole number from 1 to 3600, not "0"'],
  ['REQUEST_SECONDS', '5m', 'must be a whole number from 1 to 86400, not "5m"'],
  ['SEND_SECONDS', '86401', 'must be a whole number from 1 to 86400, not "86401"'],
  ['IDLE_SECONDS', '1.5', 'must be a whole number from 1 to 86400, not "1.5"'],
  ['TLS_MIN_VERSION', '1.1', 'must be 1.2 or 1.3, not "1.1"'],
  ['TLS_MIN_VERSION', 'TLSv1.2', 'must be 1.2 or 1.3, not "TLSv1.2"'],
  ['TLS_CLIENT_CERTIFICATES', 'none', 'must be optional or required, not "none"'],
  ['ALLOW_PLAIN_HTTP', 'yes', 'must be true or false, not "yes"'],
  [
    'TRUSTED_PROXIES',
    'proxy.example.com',
    'must be addresses or CIDR blocks, which "proxy.example.com" is not',
  ],
  [
    'TRUSTED_PROXIES',
    '10.0.0.5,10.0.0.0/33',
    'must be addresses or CIDR blocks, which "10.0.0.0/33" is not',
  ],
  ['TRUSTED_PROXIES', '10.0.0.0/', 'must be addresses or CIDR blocks, which "10.0.0.0/" is not'],
  ['TRUSTED_PROXIES', '0.0.0.0/0', 'must not name everybody, as "0.0.0.0/0" does'],
  ['TRUSTED_PROXIES', '10.0.0.5,::/00', 'must not name everybody, as "::/00" does'],
  [
    'TRUSTED_PROXIES',
    'fe80::1%eth0',
    'must be addresses or CIDR blocks, which "fe80::1%eth0" is not',
  ],
  ['TRUSTED_PROXIES', '::/129', 'must be addresses or CIDR blocks, which "::/129" is not'],
  [
    'TRUSTED_PROXIES',
    '10.0.0.0/8/8',
    'must be addresses or CIDR blocks, which "10.0.0.0/8/8" is not',
  ],
  [
    'SECRET_KEY',
    'k'.repeat(31),
    'must have at least 32 characters; "openssl rand -base64 32" makes one',
  ],
  [
    'SECRET_KEY_PREVIOUS',
    'p'.repeat(31),
    'must have at least 32 characters; "openssl rand -base64 32" makes one',
  ],
  ['JWT_SECONDS', '59', 'must be a whole number from 60 to 86400, not "59"'],
  ['JWT_SECONDS', '86401', 'must be a whole number from 60 to 86400, not "86401"'],
  ['URL', 'taxii.example.com', 'must be a URL that begins with http:// or https://'],
  ['PUBLIC_URL', 'feeds.example.org', 'must be a URL that begins with http:// or https://'],
  ['PUBLIC_URL', 'ftp://feeds.example.org', 'must begin with http:// or https://, not ftp://'],
  ['PUBLIC_URL', 'https:feeds', 'must be a URL that begins with http:// or https://'],
  ['PUBLIC_URL', 'https://feeds.example.org/?a=b', 'must end with its path, without "?" and "#"'],
  ['PUBLIC_URL', 'https://u:p@feeds.example.org', 'must not hold a user or a password'],
  ['DATABASE_URL', 'db/taxiway', 'must be a URL that begins with postgres:// or postgresql://'],
  ['DATABASE_URL', 'mysql://db/t', 'must begin with postgres:// or postgresql://, not mysql://'],
  ['ADMIN_USERNAME', 'a:b', 'must not hold a colon: HTTP Basic ends the name there'],
  ['ADMIN_USERNAME', 'a\tb', 'must have 1 to 128 characters, none of them a control character'],
  [
    'ADMIN_USERNAME',
    'a'.repeat(129),
    'must have 1 to 128 characters, none of them a control character',
  ],
  ['ADMIN_PASSWORD', 'eleven char', 'must have at least 12 characters'],
  ['ADMIN_PASSWORD', 'x'.repeat(10_000_000), 'must have at most 1024 characters'],
  [
    'ADMIN_PASSWORD',
    'on two lines\nof one file',
    'must not hold control characters: HTTP Basic has none',
  ],
  [
    'LOG_LEVEL',
    'INFO',
    'must be one of fatal, error, warn, info, debug, trace, silent, not "INFO"',
  ],
  ['INBOX_DESTINATION', 'maybe', 'must be one of required, optional, prohibited, not "maybe"'],
  ['INBOX_MAX_MB', '0', 'must be a whole number from 1 to 1000, not "0"'],
  ['INBOX_DAYS', '1', 'must be a whole number from 2 to 3650, not "1"'],
  ['INBOX_TLP', 'pink', 'must be one of white, green, amber, amber+strict, red, not "pink"'],
  ['RESULT_SET_SECONDS', '59', 'must be a whole number from 60 to 604800, not "59"'],
  ['RESULT_SET_SECONDS', '604801', 'must be a whole number from 60 to 604800, not "604801"'],
  [
    'STIX_ID_PREFIX',
    'a:b',
    'or TAXIWAY_STIX_ID_NAMESPACE is wrong: the prefix must be 1 to 32 letters, digits, "_" or "-" and begin with a letter or "_"',
  ],
  ['OTX_URL', 'otx.alienvault.com', 'must be a URL that begins with http:// or https://'],
  ['OTX_POLL_SECONDS', '9', 'must be a whole number from 10 to 86400, not "9"'],
  ['OTX_POLL_SECONDS', '86401', 'must be a whole number from 10 to 86400, not "86401"'],
  [
    'OTX_DEFAULT_TLP',
    'yellow',
    'must be one of white, green, amber, amber+strict, red, not "yellow"',
  ],
  ['OTX_CONFIDENCE', '101', 'must be a whole number from 0 to 100, not "101"'],
  ['OTX_FIRST_SYNC_DAYS', '0', 'must be a whole number from 1 to 36500, not "0"'],
  ['OTX_AUTHOR_COLLECTIONS', 'yes', 'must be true or false, not "yes"'],
  ['OTX_FALSE_POSITIVES', '1', 'must be true or false, not "1"'],
  [
    'OTX_AUTHORS',
    'AlienVault,Harbour Watch',
    'must not name "Harbour Watch": no collection can be called user_Harbour Watch',
  ],
]

t.test('a bad value is refused by the name of its variable and what it should be', async (t) => {
  for (const [name, value, shouldBe] of bad) {
    t.strictSame(
      problemsOf({ ...beside, [`TAXIWAY_${name}`]: value }),
      [`TAXIWAY_${name} ${shouldBe}`],
      `${name}=${value.slice(0, 80)}`,
    )
  }
  t.match(problemsOf({ TAXIWAY_STIX_ID_NAMESPACE: 'harbour' }), [
    /TAXIWAY_STIX_ID_NAMESPACE is wrong: the URI must be absolute/,
  ])
})

t.test('a setting that is of no use without another is refused alone', async (t) => {
  const alone: readonly (readonly [string, string, string])[] = [
    ['TLS_CERT_FILE', '/c', 'TAXIWAY_TLS_KEY_FILE is missing beside TAXIWAY_TLS_CERT_FILE'],
    ['TLS_KEY_FILE', '/k', 'TAXIWAY_TLS_CERT_FILE is missing beside TAXIWAY_TLS_KEY_FILE'],
    ['TLS_KEY_PASSPHRASE', 'of a key', 'TAXIWAY_TLS_KEY_PASSPHRASE needs TAXIWAY_TLS_KEY_FILE'],
    [
      'TLS_CLIENT_CA_FILE',
      '/c',
      'TAXIWAY_TLS_CLIENT_CA_FILE needs TAXIWAY_TLS_CERT_FILE and TAXIWAY_TLS_KEY_FILE',
    ],
    [
      'TLS_CLIENT_CERTIFICATES',
      'required',
      'TAXIWAY_TLS_CLIENT_CERTIFICATES needs TAXIWAY_TLS_CLIENT_CA_FILE: who signs them',
    ],
    [
      'SECRET_KEY_PREVIOUS',
      'p'.repeat(32),
      'TAXIWAY_SECRET_KEY_PREVIOUS needs TAXIWAY_SECRET_KEY, the key that comes after it',
    ],
  ]
  for (const [name, value, complaint] of alone) {
    t.strictSame(problemsOf({ [`TAXIWAY_${name}`]: value }), [complaint], name)
  }
})

t.test('certificates of clients are asked for where their CA is named', async (t) => {
  const asked = (names: readonly string[]) =>
    readConfig(Object.fromEntries(names.map((name) => [name, beside[name]]))).tls
      ?.clientCertificates
  const server = ['TAXIWAY_TLS_CERT_FILE', 'TAXIWAY_TLS_KEY_FILE']
  t.equal(asked(server), 'none')
  t.equal(asked([...server, 'TAXIWAY_TLS_CLIENT_CA_FILE']), 'optional')
})

t.test('every variable of the example is good in one test and bad in another', async (t) => {
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  const settings = [...example.matchAll(/^#?TAXIWAY_([A-Z_]+)=/gm)].map((match) => String(match[1]))
  t.ok(settings.length > 10)
  const anythingGoes = [
    'HOST',
    'DATA_DIR',
    'PRODUCER_NAME',
    'OTX_API_KEY',
    'STIX_ID_NAMESPACE',
    'WARNINGLISTS_DIR',
    'TLS_CERT_FILE',
    'TLS_KEY_FILE',
    'TLS_KEY_PASSPHRASE',
    'TLS_CLIENT_CA_FILE',
    'TOKEN',
    'CA_FILE',
  ]
  for (const name of settings) {
    t.ok(
      good.some(([one]) => one === name),
      `${name}, good`,
    )
    const refused = bad.some(([one]) => one === name)
    t.ok(refused || anythingGoes.includes(name), `${name}, bad`)
  }
})

t.test('in the example only what a person must set is not commented out', async (t) => {
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  t.strictSame(lines, ['POSTGRES_PASSWORD=', 'RABBITMQ_PASSWORD='])
})

t.test('all that is wrong is told at once', async (t) => {
  const problems = problemsOf({
    TAXIWAY_PORT: 'x',
    TAXIWAY_LOG_LEVEL: 'x',
    TAXIWAY_OTX_CONFIDENCE: 'x',
    TAXIWAY_DATABASE_URL: 'x',
  })
  t.equal(problems.length, 4)
})

const secretNames = [
  'DATABASE_URL',
  'ADMIN_PASSWORD',
  'OTX_API_KEY',
  'SECRET_KEY',
  'SECRET_KEY_PREVIOUS',
  'TLS_KEY_PASSPHRASE',
  'TOKEN',
]

t.test('a variable that is empty or blank is as good as not set', async (t) => {
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  const names = [...example.matchAll(/^#?(TAXIWAY_[A-Z_]+)=/gm)].map((match) => String(match[1]))
  const files = secretNames.map((name) => `TAXIWAY_${name}_FILE`)
  for (const blank of ['', '   ']) {
    const environment = Object.fromEntries([...names, ...files].map((name) => [name, blank]))
    t.strictSame(readConfig(environment), readConfig({}))
    t.strictSame(readClientConfig(environment), readClientConfig({}))
  }
})

t.test('each secret can come from a file, without the line’s end', async (t) => {
  const pick: readonly (readonly [string, string, Pick])[] = [
    ['DATABASE_URL', 'postgres://u:p@db/t', (config) => config.databaseUrl],
    ['ADMIN_PASSWORD', '  twelve chars  ', (config) => config.adminPassword],
    ['OTX_API_KEY', 'key', (config) => config.otx?.apiKey],
    ['SECRET_KEY', 'k'.repeat(40), (config) => config.secrets.key],
    ['SECRET_KEY_PREVIOUS', 'p'.repeat(40), (config) => config.secrets.previousKey],
    ['TLS_KEY_PASSPHRASE', '  it has spaces ', (config) => config.tls?.keyPassphrase],
    ['TOKEN', 'a token', (_, client) => client.token],
  ]
  t.strictSame(pick.map(([name]) => name).toSorted(), secretNames.toSorted())
  for (const [name, value, of] of pick) {
    const { [`TAXIWAY_${name}`]: _, ...others } = beside
    for (const end of ['', '\n', '\r\n']) {
      const path = file(name, value + end)
      const environment = { ...others, [`TAXIWAY_${name}_FILE`]: path }
      t.equal(of(readConfig(environment), readClientConfig(environment)), value, name)
    }
    const path = file(name, value)
    t.strictSame(
      problemsOf({ ...others, [`TAXIWAY_${name}`]: value, [`TAXIWAY_${name}_FILE`]: path }),
      [`TAXIWAY_${name} and TAXIWAY_${name}_FILE are both set; keep one`],
    )
    const empty = file('empty', '\n')
    t.strictSame(problemsOf({ ...others, [`TAXIWAY_${name}_FILE`]: empty }), [
      `TAXIWAY_${name}_FILE names ${empty}, which is empty`,
    ])
    const absent = join(folder, 'absent')
    t.strictSame(problemsOf({ ...others, [`TAXIWAY_${name}_FILE`]: absent }), [
      `TAXIWAY_${name}_FILE names ${absent}, which cannot be read (ENOENT)`,
    ])
    mkdirSync(join(folder, 'folder'), { recursive: true })
    t.match(problemsOf({ ...others, [`TAXIWAY_${name}_FILE`]: join(folder, 'folder') }), [
      /\(EISDIR\)$/,
    ])
  }
  t.strictSame(
    readConfig({ TAXIWAY_HOST_FILE: '/x' }).warnings,
    ['TAXIWAY_HOST_FILE is not a setting of Taxiway; .env.example has all'],
    'what is no secret cannot',
  )
})

t.test('a secret is in no complaint', async (t) => {
  const secrets = [
    ['DATABASE_URL', 'postgre://u:geheim@db/t'],
    ['DATABASE_URL', 'u:geheim@db/t'],
    ['DATABASE_URL', 'postgres://u:geheim@db:port/t'],
    ['DATABASE_URL', 'geheim'],
    ['ADMIN_PASSWORD', 'geheim'],
    ['SECRET_KEY', 'geheim'],
    ['TLS_KEY_PASSPHRASE', 'geheim'],
    ['URL', 'ftp://u:geheim@feeds.example.org'],
    ['PUBLIC_URL', 'https://u:geheim@feeds.example.org'],
    ['OTX_URL', 'ftp://u:geheim@feeds.example.org'],
  ] as const
  for (const [name, value] of secrets) {
    const problems = problemsOf({ [`TAXIWAY_${name}`]: value })
    t.equal(problems.length, 1, `${name}=${value}`)
    t.notMatch(problems[0], 'geheim')
    if (name !== 'DATABASE_URL' && name.endsWith('URL')) continue
    t.notMatch(problemsOf({ [`TAXIWAY_${name}_FILE`]: file('secret', value) })[0], 'geheim')
  }
})

t.test('a password of blanks alone is refused, not silently replaced', async (t) => {
  t.strictSame(problemsOf({ TAXIWAY_ADMIN_PASSWORD_FILE: file('blank', ' '.repeat(20)) }), [
    'TAXIWAY_ADMIN_PASSWORD must have more than blanks',
  ])
})

t.test('a setting that hardly can be meant is warned of', async (t) => {
  const warningsOf = (environment: Record<string, string>) => readConfig(environment).warnings
  const { TAXIWAY_TLS_CERT_FILE = '', TAXIWAY_TLS_KEY_FILE = '' } = beside
  const tls = { TAXIWAY_TLS_CERT_FILE, TAXIWAY_TLS_KEY_FILE }
  const plain = { TAXIWAY_PUBLIC_URL: 'http://feeds.example.org' }
  t.strictSame(warningsOf(plain), [])
  t.match(warningsOf({ ...plain, ...tls }), [/^TAXIWAY_PUBLIC_URL begins with http:\/\//])
})

t.test('a variable that is no setting is warned of, by its name alone', async (t) => {
  const { warnings } = readConfig({
    TAXIWAY_SERVICE_HOST: '10.0.0.1',
    TAXIWAY_otx_api_key: 'geheim',
    HOME: '/',
  })
  t.strictSame(warnings, [
    'TAXIWAY_SERVICE_HOST is not a setting of Taxiway; .env.example has all',
    'TAXIWAY_otx_api_key is not a setting of Taxiway; .env.example has all',
  ])
})
