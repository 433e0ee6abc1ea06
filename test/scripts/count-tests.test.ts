import t from 'tap'
import { judgeTests } from '../../scripts/count-tests.ts'

const verdicts: [name: string, tap: string, status: number, lastLine: string, ok: boolean][] = [
  ['all passed', '# { total: 3, pass: 3 }\n# time=1ms\n', 0, '3 passed, 0 failed', true],
  ['one failed', '# { total: 3, pass: 2, fail: 1 }\n', 1, '2 passed, 1 failed', false],
  ['one skipped', '# { total: 3, pass: 2, skip: 1 }\n', 0, '2 passed, 1 failed', false],
  ['one to do', '# { total: 3, pass: 2, todo: 1 }\n', 0, '2 passed, 1 failed', false],
  ['no test ran', '# { total: 0, pass: 0 }\n', 0, '0 passed, 1 failed', false],
  ['tap said nothing', '', 0, '0 passed, 1 failed', false],
  ['lint failed', '# { total: 3, pass: 3 }\n', 1, '3 passed, 1 failed', false],
  [
    'a test prints a count of its own',
    '    # { total: 9, pass: 9 }\n# { total: 3, pass: 3 }\n',
    0,
    '3 passed, 0 failed',
    true,
  ],
]

for (const [name, tap, status, lastLine, ok] of verdicts) {
  t.test(`the gate's last line when ${name}`, async (t) => {
    const verdict = judgeTests(tap, status)
    t.equal(verdict.lines.at(-1), lastLine)
    t.equal(verdict.ok, ok)
  })
}
