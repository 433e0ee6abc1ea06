import { existsSync, readFileSync } from 'node:fs'

/** A row of docs/conformance.md. */
export interface ConformanceRow {
  /** the number of a behaviour, such as `16`, or a letter and a number */
  readonly id: string
  readonly behaviour: string
  /** where the specification says so */
  readonly specification: string
  readonly tests: readonly NamedTest[]
}

export interface NamedTest {
  /** from the project's folder, such as `test/taxii/services.test.ts`; undefined: test/conformance.test.ts */
  readonly file: string | undefined
  readonly name: string
}

const cell = /(?:[^|`]|`[^`]*`)*/.source
const line = new RegExp(`^\\|(${cell})\\|(${cell})\\|(${cell})\\|(${cell})\\|$`)

/**
 * Reads the rows of every table that has four columns and an id in the first.
 * @throws Error for a row that is not of that form
 */
export function readConformanceRows(markdown: string): readonly ConformanceRow[] {
  return markdown
    .split('\n')
    .filter((text) => /^\| *[A-Z]?\d+ *\|/.test(text))
    .map((text) => {
      const cells = line
        .exec(text)
        ?.slice(1)
        .map((one) => one.trim())
      if (!cells) throw new Error(`this row does not have four columns: ${text}`)
      const [id = '', behaviour = '', specification = '', tests = ''] = cells
      return { id, behaviour, specification, tests: tests.split('<br>').map(readTest) }
    })
}

function readTest(text: string): NamedTest {
  const [, file, name] = /^(?:`(test\/[^`]+\.test\.ts)`: )?`([^`]+)`$/.exec(text.trim()) ?? []
  if (name === undefined) throw new Error(`a test is \`name\` or \`file\`: \`name\`, not: ${text}`)
  return { file, name }
}

/** What keeps a test of another file from being run with the suite, or undefined. */
export function findFault({ file, name }: NamedTest): string | undefined {
  const path = new URL(`../${file}`, import.meta.url)
  if (!existsSync(path)) return `there is no ${file}`
  const text = readFileSync(path, 'utf8')
  const quoted = [`'${name.replaceAll("'", "\\'")}'`, `"${name}"`]
  const places = quoted.flatMap((one) => {
    const at = text.indexOf(one)
    return at === -1 ? [] : [{ before: text.slice(0, at), after: text.slice(at + one.length) }]
  })
  const called = places.find(({ before }) => /\bt\.test\(\s*$/.test(before))
  if (!called) return `${file} has no test '${name}'`
  if (!/^,\s*(async\s*)?\(/.test(called.after)) return `${file} skips '${name}', or never runs it`
  const lineBefore = called.before.split('\n').at(-1) ?? ''
  return /^\s*(\/\/|\*)/.test(lineBefore) ? `${file} has '${name}' in a comment` : undefined
}
