import t from 'tap'
import { parseCount } from '../../src/cli/parse-count.ts'
import { formatTable, printable } from '../../src/cli/table.ts'

t.test('columns are as wide as they need, numbers on the right', async (t) => {
  t.equal(
    formatTable(
      ['NAME', 'N', 'WHAT'],
      [
        ['a', 5, 'x'],
        ['longer', 1234, ''],
      ],
    ),
    ['NAME    N     WHAT', 'a          5  x', 'longer  1234'].join('\n'),
  )
})

t.test('without rows the headings stand alone', async (t) => {
  t.equal(formatTable(['A', 'B'], []), 'A  B')
})

t.test('what came from outside cannot move the cursor or hide', async (t) => {
  t.equal(printable('\u001b[2Jx\r\ny'), '\\u{1b}[2Jx\\u{d}\\u{a}y')
  t.equal(printable('a\u202eb\u2028c\u0085d\u200be'), 'a\\u{202e}b\\u{2028}c\\u{85}d\\u{200b}e')
  t.equal(printable('Söhne 漢字 🦊'), 'Söhne 漢字 🦊')
  t.equal(formatTable(['A', 'B'], [['\t', 'x']]), 'A      B\n\\u{9}  x')
})

t.test('signs of two code units keep their columns', async (t) => {
  const [, one, other] = formatTable(
    ['A', 'B'],
    [
      ['🦊🦊', 'x'],
      ['abcd', 'x'],
    ],
  ).split('\n')
  t.equal(one, '🦊🦊  x')
  t.equal(other, 'abcd  x')
})

t.test('a limit is a number of rows', async (t) => {
  t.equal(parseCount('1'), 1)
  t.equal(parseCount('9999999'), 9_999_999)
  for (const text of ['0', '-1', '1.5', 'x', '', '10000000', '1e3', ' 1']) {
    t.throws(() => parseCount(text), { code: 'commander.invalidArgument' }, text)
  }
})
