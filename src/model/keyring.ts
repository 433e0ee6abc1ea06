/**
 * Seals what must be kept secret and read again. Each secret has a data key of its own, wrapped by the key
 * that is derived from TAXIWAY_SECRET_KEY: changing that rewraps 32 bytes a secret. The keys of a keyring may be
 * exchanged while the process runs: nothing of them is to be kept.
 */
export interface Keyring {
  /** of the key that is sealed and signed under: 16 hexadecimal digits that tell keys apart and nothing of them */
  readonly keyId: string
  /** of another key that is accepted as well, while keys are changed */
  readonly previousKeyId: string | undefined
  /** @param context what the secret is and whose, so that one cannot be put in another's place: `sealContext` */
  seal(plain: Uint8Array, context: string): Uint8Array
  /** @throws SecretKeyWrong when it was sealed under another key, for another context, or has been changed */
  open(sealed: Uint8Array, context: string): Uint8Array
  /**
   * The same secret under the present key; its content is not touched.
   * @returns undefined when it is under the present key already
   * @throws SecretKeyWrong
   */
  rewrap(sealed: Uint8Array, context: string): Uint8Array | undefined
  /** 32 bytes for one purpose: of the key that is signed under, then of the others that are accepted */
  deriveKeys(purpose: string): readonly Uint8Array[]
}

/** Names a secret's place without ambiguity, whatever signs its parts hold. */
export function sealContext(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
