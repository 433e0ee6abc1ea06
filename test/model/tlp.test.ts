import t from 'tap'
import { parseTlp, tlpLevels, tlpRank } from '../../src/model/tlp.ts'

t.test('levels are read as feeds spell them', (t) => {
  const spellings: readonly (readonly [string, string | undefined])[] = [
    ['white', 'white'],
    ['WHITE', 'white'],
    ['clear', 'white'],
    ['TLP:CLEAR', 'white'],
    ['TLP: Green', 'green'],
    ['tlp green', 'green'],
    ['TLP-GREEN', 'green'],
    ['tlp_amber', 'amber'],
    [' amber\n', 'amber'],
    ['TLP:AMBER+STRICT', 'amber+strict'],
    ['amber + strict', 'amber+strict'],
    ['amber strict', 'amber+strict'],
    ['AMBER_STRICT', 'amber+strict'],
    ['tlp:amber-strict', 'amber+strict'],
    ['red', 'red'],
    ['', undefined],
    ['TLP:', undefined],
    ['unclear', undefined],
    ['tlp:ex:chr', undefined],
    ['redd', undefined],
    ['amberstrict', undefined],
    ['white green', undefined],
    ['constructor', undefined],
  ]
  for (const [text, level] of spellings) t.equal(parseTlp(text), level, JSON.stringify(text))
  t.end()
})

t.test('every level reads itself, and ranks rise with secrecy', (t) => {
  for (const level of tlpLevels) t.equal(parseTlp(level), level)
  t.same(tlpLevels.map(tlpRank), [0, 1, 2, 3, 4])
  t.end()
})
