import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { SecretKeyWrong } from '../model/errors.ts'

/**
 * Seals what must be kept secret and read again. Each secret has a data key of its own, wrapped by the key
 * that is derived from TAXIWAY_SECRET_KEY: changing that rewraps 32 bytes a secret.
 */
export interface Keyring {
  /** 16 hexadecimal digits that tell keys apart and nothing of them */
  readonly keyId: string
  /** of the key before, while keys are changed */
  readonly previousKeyId: string | undefined
  /** @param context what the secret is and whose, so that one cannot be put in another's place */
  seal(plain: Uint8Array, context: string): Uint8Array
  /** @throws SecretKeyWrong when it was sealed under another key, for another context, or has been changed */
  open(sealed: Uint8Array, context: string): Uint8Array
  /**
   * The same secret under the present key; its content is not touched.
   * @returns undefined when it is under the present key already
   * @throws SecretKeyWrong
   */
  rewrap(sealed: Uint8Array, context: string): Uint8Array | undefined
  /** 32 bytes for one purpose: of the present key, then of the one before */
  deriveKeys(purpose: string): readonly Uint8Array[]
}

/*
 * A sealed secret: version (1 byte: 1), key id (8), then twice AES-256-GCM as nonce (12), ciphertext, tag (16):
 * the data key (32) under the wrapping key, and the secret under the data key. Both authenticate the context.
 */
const version = 1
const headBytes = 9
const nonceBytes = 12
const tagBytes = 16
const keyBytes = 32
const wrappedBytes = nonceBytes + keyBytes + tagBytes

interface Key {
  readonly id: Buffer
  readonly wrapping: Buffer
  derive(purpose: string): Buffer
}

/** @param secret of TAXIWAY_SECRET_KEY, any text of at least 32 characters */
export function createKeyring(secret: string, previousSecret?: string): Keyring {
  const present = readKey(secret)
  const previous = previousSecret === undefined ? undefined : readKey(previousSecret)
  const keys = previous ? [present, previous] : [present]

  function unwrap(sealed: Buffer, context: string): { key: Key; dataKey: Buffer } {
    const id = sealed.subarray(1, headBytes)
    if (sealed[0] !== version || sealed.length < headBytes + wrappedBytes + nonceBytes + tagBytes) {
      throw new SecretKeyWrong(`what is stored for ${context} is not a sealed secret`)
    }
    const key = keys.find((one) => one.id.equals(id))
    if (!key) {
      throw new SecretKeyWrong(
        `${context} is sealed under the key ${id.toString('hex')}, which is not given: set TAXIWAY_SECRET_KEY, or TAXIWAY_SECRET_KEY_PREVIOUS, to it`,
      )
    }
    const wrapped = sealed.subarray(headBytes, headBytes + wrappedBytes)
    return { key, dataKey: decrypt(key.wrapping, wrapped, context) }
  }

  const wrap = (dataKey: Buffer, context: string) =>
    Buffer.concat([Buffer.of(version), present.id, encrypt(present.wrapping, dataKey, context)])

  return {
    keyId: present.id.toString('hex'),
    previousKeyId: previous?.id.toString('hex'),
    seal(plain, context) {
      const dataKey = randomBytes(keyBytes)
      return Buffer.concat([wrap(dataKey, context), encrypt(dataKey, plain, context)])
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed)
      const { dataKey } = unwrap(bytes, context)
      return decrypt(dataKey, bytes.subarray(headBytes + wrappedBytes), context)
    },
    rewrap(sealed, context) {
      const bytes = Buffer.from(sealed)
      const { key, dataKey } = unwrap(bytes, context)
      if (key === present) return undefined
      return Buffer.concat([wrap(dataKey, context), bytes.subarray(headBytes + wrappedBytes)])
    },
    deriveKeys: (purpose) => keys.map((key) => key.derive(purpose)),
  }
}

function readKey(secret: string): Key {
  const derive = (purpose: string, bytes = keyBytes) =>
    Buffer.from(hkdfSync('sha256', secret, '', `taxiway ${purpose}`, bytes))
  return { id: derive('key id', 8), wrapping: derive('wrapping'), derive }
}

function encrypt(key: Buffer, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Buffer, sealed: Buffer, context: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-tagBytes))
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(nonceBytes, -tagBytes)),
      decipher.final(),
    ])
  } catch (cause) {
    throw new SecretKeyWrong(
      `what is stored for ${context} has been changed or belongs elsewhere`,
      {
        cause,
      },
    )
  }
}
