import { createHash } from 'node:crypto'
import type { Random } from './random.ts'

/** Names that nobody uses: a device that takes the demo's feed by mistake blocks no one. */
const domains = [
  'taxiway-demo.com',
  'taxiway-demo.net',
  'taxiway-demo.org',
  'taxiway-sample.com',
  'taxiway-sample.net',
  'taxiway-fixture.org',
]
const words = [
  'amber',
  'birch',
  'cobalt',
  'delta',
  'ember',
  'fjord',
  'granite',
  'harbour',
  'indigo',
]
const parts = ['cdn', 'update', 'mail', 'login', 'static', 'api', 'files', 'panel', 'stage', 'gate']

const observables: Record<string, (random: Random) => string> = {
  // A range of one owner that offers the public next to nothing there; no documentation range would be published.
  IPv4: (random) => `22.${random.below(256)}.${random.below(256)}.${1 + random.below(254)}`,
  // The experimental 6bone's range, given back in 2006 (RFC 3701) and not routed since.
  IPv6: (random) =>
    `3ffe:${random.hex(4)}:${random.hex(4)}::${1 + random.below(9)}${random.hex(3)}`,
  CIDR: (random) => `22.${random.below(256)}.${random.below(256)}.0/${random.pick([24, 26, 28])}`,
  domain: (random) => `${label(random)}.${random.pick(domains)}`,
  hostname: (random) => `${random.pick(parts)}.${label(random)}.${random.pick(domains)}`,
  URL: (random) =>
    `${random.pick(['http', 'https'])}://${label(random)}.${random.pick(domains)}/${path(random)}`,
  URI: (random) =>
    random.chance(0.3)
      ? `https://${label(random)}.${random.pick(domains)}/${path(random)}`
      : `/${path(random)}`,
  email: (random) => `${random.pick(words)}.${random.below(1000)}@${random.pick(domains)}`,
  'FileHash-MD5': (random) => random.hex(32),
  'FileHash-SHA1': (random) => random.hex(40),
  'FileHash-SHA256': (random) => random.hex(64),
  'FileHash-PEHASH': (random) => random.hex(40),
  'FileHash-IMPHASH': (random) => random.hex(32),
  FilePath: (random) =>
    random.pick([
      `C:\\ProgramData\\taxiway-demo\\${random.pick(words)}${random.below(100)}.exe`,
      `%APPDATA%\\taxiway-demo\\${random.hex(6)}.dll`,
      `/tmp/.taxiway-demo/${random.hex(8)}`,
    ]),
  Mutex: (random) => `Global\\TaxiwayDemo-${random.hex(8)}`,
  CVE: (random) => `CVE-${2015 + random.below(11)}-${990_000 + random.below(10_000)}`,
  YARA: (random) => random.hex(40),
  JA3: (random) => random.hex(32),
  osquery: (random) => `SELECT pid FROM processes WHERE name = 'taxiway-demo-${random.hex(4)}';`,
  SSLCertFingerprint: (random) => random.hex(40),
  BitcoinAddress: bitcoinAddress,
  // Met in pulses, though OTX's list of types has it not.
  NIDS: (random) => String(2_099_000 + random.below(1000)),
}

/** OTX's names of all the types that the seeds have: its 21, and one that it does not list. */
export const observableTypes = Object.keys(observables)

export function makeObservable(type: string, random: Random): string {
  const make = observables[type]
  if (!make) throw new Error(`no way to make a ${type}`)
  return make(random)
}

function label(random: Random): string {
  return `${random.pick(words)}-${String(random.below(10_000)).padStart(4, '0')}`
}

function path(random: Random): string {
  return `${random.pick(parts)}/${random.hex(6)}${random.pick(['', '.php', '.bin', '?id=1&x=%20'])}`
}

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Of a key hash that was drawn, so nobody has its key; the checksum is right. */
function bitcoinAddress(random: Random): string {
  const payload = Buffer.from(`00${random.hex(40)}`, 'hex')
  const checksum = sha256(sha256(payload)).subarray(0, 4)
  let rest = BigInt(`0x${Buffer.concat([payload, checksum]).toString('hex')}`)
  let digits = ''
  for (; rest > 0n; rest /= 58n) digits = `${base58[Number(rest % 58n)]}${digits}`
  return `1${digits}`
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}
