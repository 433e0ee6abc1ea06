import { X509Certificate } from 'node:crypto'
import type { ClientCertificate } from '../model/account.ts'

/*
 * What a certificate is told by, in one spelling: the TLS layer makes it of what a client shows, the REST
 * interface of what an administrator writes, and accounts are found by comparing the two.
 */

/** What accounts know of a certificate. */
export function describeCertificate(certificate: X509Certificate): ClientCertificate {
  return {
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: formatName(readCertificateName(certificate.subject ?? '')),
  }
}

/**
 * @param pem one certificate; text before and after it, as `openssl x509 -text` prints, does not matter
 * @returns what is wrong with it, as the end of a sentence, instead of the certificate
 */
export function readCertificate(pem: string): ClientCertificate | { readonly fault: string } {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    return {
      fault: 'holds a private key, which nobody else should see: send the certificate alone',
    }
  }
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  const [first] = blocks
  if (first === undefined) {
    return {
      fault:
        'holds no certificate in PEM, which begins with "-----BEGIN CERTIFICATE-----"; "openssl x509 -inform DER" makes it of DER',
    }
  }
  if (blocks.length > 1) {
    return { fault: `holds ${blocks.length} certificates: send the client's own alone` }
  }
  try {
    return describeCertificate(new X509Certificate(first))
  } catch {
    return { fault: 'holds a certificate that cannot be read: it is damaged or cut short' }
  }
}

/**
 * @param text SHA-256 of the DER form in hexadecimal, with or without colons, in either case
 * @returns 64 lower-case digits, or undefined when it is none
 */
export function canonicalFingerprint(text: string): string | undefined {
  const digits = text.trim().replace(/^sha256 fingerprint=/i, '')
  if (/^[0-9a-f]{64}$/i.test(digits)) return digits.toLowerCase()
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/i.test(digits))
    return digits.replaceAll(':', '').toLowerCase()
  return undefined
}

/**
 * @param text a distinguished name as RFC 4514 writes it, its most particular part first; blanks around its
 * signs do not matter, nor the case of its types
 * @returns it in the spelling of `ClientCertificate.subject`, or undefined when it is none
 */
export function canonicalSubject(text: string): string | undefined {
  const name = readWrittenName(text)
  return name && formatName(name)
}

interface Attribute {
  readonly type: string
  readonly value: string
}
/** relative names, the most particular first; mostly of one attribute */
type Name = readonly (readonly Attribute[])[]

// As OpenSSL, and so Node, names them; all others are upper case, or OIDs.
const types = new Map(
  [
    ...[
      'CN',
      'O',
      'OU',
      'C',
      'ST',
      'L',
      'DC',
      'UID',
      'SN',
      'GN',
      'street',
      'title',
      'emailAddress',
    ],
    ...[
      'serialNumber',
      'postalCode',
      'description',
      'name',
      'initials',
      'dnQualifier',
      'pseudonym',
    ],
    ...[
      'organizationIdentifier',
      'businessCategory',
      'jurisdictionC',
      'jurisdictionST',
      'jurisdictionL',
    ],
  ].map((type) => [type.toLowerCase(), type]),
)
const aliases = new Map([
  ['e', 'emailAddress'],
  ['email', 'emailAddress'],
  ['s', 'ST'],
])

// What OpenSSL calls by the name of another type, but for the case of its letters.
const namesOfOtherTypes = new Map([
  ['uid', '0.9.2342.19200300.100.1.44'],
  ['Mail', '1.3.6.1.7'],
])

function formatName(name: Name): string {
  return name
    .map((attributes) =>
      attributes
        .map(({ type, value }) => `${canonicalType(type)}=${escapeValue(value)}`)
        .toSorted()
        .join('+'),
    )
    .join(', ')
}

function canonicalType(type: string): string {
  const lower = type.toLowerCase().replace(/^oid\./, '')
  return aliases.get(lower) ?? types.get(lower) ?? lower.toUpperCase()
}

function escapeValue(value: string): string {
  return [...value]
    .map((sign, index, signs) => {
      const isOutermost = index === 0 || index === signs.length - 1
      if (/[,+"\\<>;]/.test(sign) || (sign === ' ' && isOutermost)) return `\\${sign}`
      if (sign === '#' && index === 0) return '\\#'
      // What is not seen, looks like a blank or turns the direction of what is seen would make two names
      // look alike.
      return sign !== ' ' && /[\p{Cc}\p{Cf}\p{Z}]/u.test(sign) ? escapeBytes(sign) : sign
    })
    .join('')
}

function escapeBytes(sign: string): string {
  return [...Buffer.from(sign)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
}

/** @param lines as Node gives them: one relative name a line in the certificate's order, values escaped */
function readCertificateName(lines: string): Name {
  const names = lines === '' ? [] : lines.split('\n')
  return names.toReversed().map((line) =>
    splitUnescaped(line, ' + ').map((attribute) => {
      const equals = attribute.indexOf('=')
      const type = attribute.slice(0, equals)
      return {
        type: namesOfOtherTypes.get(type) ?? type,
        value: unescapeValue(attribute.slice(equals + 1)) ?? '',
      }
    }),
  )
}

function readWrittenName(text: string): Name | undefined {
  if (text.trim() === '') return undefined
  const name: Attribute[][] = []
  for (const part of splitUnescaped(text, ',')) {
    const attributes: Attribute[] = []
    for (const attribute of splitUnescaped(part, '+')) {
      const [, type, written] =
        /^\s*([A-Za-z][A-Za-z0-9-]*|(?:oid\.)?\d+(?:\.\d+)+)\s*=(.*)$/isu.exec(attribute) ?? []
      if (type === undefined || written === undefined) return undefined
      const value = unescapeValue(trimUnescaped(written))
      if (value === undefined || value === '') return undefined
      attributes.push({ type, value })
    }
    name.push(attributes)
  }
  return name
}

/** Splits where no backslash precedes the separator and no quotes are around it. */
function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') quoted = !quoted
    else if (!quoted && text.startsWith(separator, at)) {
      parts.push(text.slice(start, at))
      start = at + separator.length
      at = start - 1
    }
  }
  return [...parts, text.slice(start)]
}

function trimUnescaped(value: string): string {
  const text = value.trimStart()
  const trimmed = text.trimEnd()
  // An odd number of backslashes makes the first of the blanks a part of the value.
  const escaped = (/\\*$/.exec(trimmed)?.[0].length ?? 0) % 2 === 1
  return escaped ? text.slice(0, trimmed.length + 1) : trimmed
}

/** @returns undefined where a backslash stands before nothing, or quotes are not closed */
function unescapeValue(written: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/su.exec(written)
  const text = quoted?.[1] ?? written
  if (!quoted && /(?<!\\)(?:\\\\)*"/.test(text)) return undefined
  const bytes: Buffer[] = []
  for (let at = 0; at < text.length; ) {
    const sign = String.fromCodePoint(text.codePointAt(at) ?? 0)
    if (sign !== '\\') {
      bytes.push(Buffer.from(sign))
      at += sign.length
      continue
    }
    const hex = /^[0-9a-f]{2}/i.exec(text.slice(at + 1, at + 3))
    if (hex) {
      bytes.push(Buffer.from(hex[0], 'hex'))
      at += 3
    } else {
      if (at + 1 >= text.length) return undefined
      const escaped = String.fromCodePoint(text.codePointAt(at + 1) ?? 0)
      bytes.push(Buffer.from(escaped))
      at += 1 + escaped.length
    }
  }
  return Buffer.concat(bytes).toString()
}
