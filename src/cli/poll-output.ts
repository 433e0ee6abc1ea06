import { cutText, maxJsonTextLength } from '../taxii/client/server-text.ts'
import { printable } from './table.ts'

/** Where the lines of a command go that prints what a server said. */
export interface Output {
  /** Escapes what could steer a terminal, line by line, and takes the secrets out. */
  print(text: string): void
  /** A text of more than `maxJsonTextLength` characters loses its middle. */
  printJson(value: object): void
}

/** @param secrets are replaced wherever a server repeats them; too short ones would garble everything */
export function createOutput(secrets: readonly string[], write: (text: string) => void): Output {
  const hidden = secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), printable(secret)])
    // What holds another one goes first.
    .sort((a, b) => b.length - a.length)
  const hide = (text: string) =>
    hidden.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
  // A cut must not leave half of a secret.
  const cutLong = (_: string, value: unknown) =>
    typeof value === 'string' && value.length > maxJsonTextLength
      ? cutText(hide(value), maxJsonTextLength)
      : value
  return {
    print: (text) => write(`${hide(text).split('\n').map(printable).join('\n')}\n`),
    printJson: (value) => write(`${escapeJson(hide(JSON.stringify(value, cutLong)))}\n`),
  }
}

/** JSON leaves some of what steers a terminal as it is. */
function escapeJson(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
