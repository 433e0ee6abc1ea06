import { readFileSync } from 'node:fs'

/** The flags with which `npm start` runs the service, so that what is measured is what runs. */
export const nodeFlags: readonly string[] = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
)
  .scripts.start.split(' ')
  .filter((word: string) => word.startsWith('--max-'))
