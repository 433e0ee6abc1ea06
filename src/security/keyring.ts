import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { SecretKeyWrong } from '../model/errors.ts'
import type { Keyring } from '../model/keyring.ts'

export type { Keyring } from '../model/keyring.ts'

/** One secret key, by what is derived from it; the key itself is not kept. */
export interface SecretKey {
  /** 16 hexadecimal digits */
  readonly id: string
  readonly wrapping: Uint8Array
  derive(purpose: string): Uint8Array
}

export interface ExchangeableKeyring extends Keyring {
  /**
   * From now on it seals and signs under the first key and accepts the others as well. What was sealed under
   * a key that is none of them can no longer be opened.
   */
  exchange(present: SecretKey, others: readonly SecretKey[]): void
}

/*
 * A sealed secret: version (1 byte: 1), key id (8), then twice AES-256-GCM as nonce (12), ciphertext, tag (16):
 * the data key (32) under the wrapping key, and the secret under the data key. Both authenticate version and
 * context, the first one the key id, too; the second cannot, because changing keys does not touch it.
 *
 * Nonces are random. A data key is used once. A wrapping key is used once for each secret that is sealed or
 * rewrapped; NIST SP 800-38D allows 2^32 of these.
 */
const version = 1
const headBytes = 9
const nonceBytes = 12
const tagBytes = 16
const keyBytes = 32
const wrappedBytes = nonceBytes + keyBytes + tagBytes
const leastBytes = headBytes + wrappedBytes + nonceBytes + tagBytes

/**
 * Derives by HKDF-SHA-256 (RFC 5869), each purpose under a name of its own. HKDF is no password hash: the key
 * has to be random.
 * @param secret of TAXIWAY_SECRET_KEY, any text of at least 32 characters
 */
export function deriveSecretKey(secret: string): SecretKey {
  const derive = (info: string, bytes = keyBytes) =>
    Buffer.from(hkdfSync('sha256', secret, '', info, bytes))
  // Each request with a JWT asks for its key.
  const derived = new Map<string, Buffer>()
  return {
    id: derive('taxiway 1 key id', 8).toString('hex'),
    wrapping: derive('taxiway 1 wrapping'),
    // The colon keeps every purpose apart from the two above.
    derive(purpose) {
      const key = derived.get(purpose) ?? derive(`taxiway 1 purpose: ${purpose}`)
      derived.set(purpose, key)
      return key
    },
  }
}

/** @param secret of TAXIWAY_SECRET_KEY; the previous one is accepted only */
export function createKeyring(secret: string, previousSecret?: string): ExchangeableKeyring {
  const previous = previousSecret === undefined ? [] : [deriveSecretKey(previousSecret)]
  return createKeyringOf(deriveSecretKey(secret), previous)
}

export function createKeyringOf(
  firstKey: SecretKey,
  otherKeys: readonly SecretKey[],
): ExchangeableKeyring {
  let present = firstKey
  let keys: readonly SecretKey[] = []
  const exchange = (first: SecretKey, others: readonly SecretKey[]) => {
    present = first
    keys = [first, ...others.filter(({ id }) => id !== first.id)]
  }
  exchange(firstKey, otherKeys)

  function unwrap(sealed: Buffer, context: string): { key: SecretKey; dataKey: Buffer } {
    if (sealed.length < leastBytes || sealed[0] !== version) {
      const why = sealed[0] === version ? 'is cut off' : 'is in no form that this version knows'
      throw new SecretKeyWrong(`what is stored for ${context} ${why}`)
    }
    const head = sealed.subarray(0, headBytes)
    const id = head.toString('hex', 1)
    const key = keys.find((one) => one.id === id)
    if (!key) {
      throw new SecretKeyWrong(
        `${context} is sealed under the key ${id}, which is not given: set TAXIWAY_SECRET_KEY, or TAXIWAY_SECRET_KEY_PREVIOUS, to it`,
      )
    }
    const wrapped = sealed.subarray(headBytes, headBytes + wrappedBytes)
    return { key, dataKey: decrypt(key.wrapping, wrapped, head, context) }
  }

  function wrap(dataKey: Buffer, context: string): Buffer {
    const head = Buffer.concat([Buffer.of(version), Buffer.from(present.id, 'hex')])
    return Buffer.concat([head, encrypt(present.wrapping, dataKey, head, context)])
  }

  const contentHead = Buffer.of(version)
  return {
    get keyId() {
      return present.id
    },
    get previousKeyId() {
      return keys[1]?.id
    },
    exchange,
    seal(plain, context) {
      const dataKey = randomBytes(keyBytes)
      return Buffer.concat([wrap(dataKey, context), encrypt(dataKey, plain, contentHead, context)])
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed)
      const { dataKey } = unwrap(bytes, context)
      return decrypt(dataKey, bytes.subarray(headBytes + wrappedBytes), contentHead, context)
    },
    rewrap(sealed, context) {
      const bytes = Buffer.from(sealed)
      const { key, dataKey } = unwrap(bytes, context)
      if (key.id === present.id) return undefined
      return Buffer.concat([wrap(dataKey, context), bytes.subarray(headBytes + wrappedBytes)])
    },
    deriveKeys: (purpose) => keys.map((key) => key.derive(purpose)),
  }
}

/** The head has a length of its own in each use, so head and context cannot be taken for each other. */
const authenticated = (head: Buffer, context: string) =>
  Buffer.concat([Buffer.of(head.length), head, Buffer.from(context)])

function encrypt(key: Uint8Array, plain: Uint8Array, head: Buffer, context: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(authenticated(head, context))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Uint8Array, sealed: Buffer, head: Buffer, context: string): Buffer {
  const nonce = sealed.subarray(0, nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(authenticated(head, context)).setAuthTag(sealed.subarray(-tagBytes))
  try {
    const plain = decipher.update(sealed.subarray(nonceBytes, -tagBytes))
    return Buffer.concat([plain, decipher.final()])
  } catch (cause) {
    throw new SecretKeyWrong(
      `what is stored for ${context} has been changed or belongs elsewhere`,
      { cause },
    )
  }
}
