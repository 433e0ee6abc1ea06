import { createHash } from 'node:crypto'
import t from 'tap'
import { isToken, makeToken, tokenDigest, tokenHint } from '../../src/security/tokens.ts'

t.test('a token can be told by its looks, and none is made twice', async (t) => {
  const made = Array.from({ length: 1_000 }, makeToken)
  t.equal(new Set(made).size, 1_000)
  for (const token of made) {
    if (!/^taxiway_[A-Za-z0-9_-]{43}$/.test(token) || !isToken(token)) t.fail(token)
    const [, random = ''] = token.split('taxiway_')
    if (Buffer.from(random, 'base64url').length !== 32) t.fail(token)
  }
  const [one = ''] = made
  for (const other of [
    '',
    'taxiway_',
    one.slice(1),
    one.slice(0, -1),
    `${one}a`,
    `${one}\n`,
    one.toUpperCase(),
    `${one.slice(0, -1)}+`,
    one.slice(8),
  ]) {
    t.equal(isToken(other), false, JSON.stringify(other.slice(0, 10)))
  }
})

t.test('what is stored is its SHA-256, and four characters to tell it by', async (t) => {
  const token = makeToken()
  t.same(tokenDigest(token), createHash('sha256').update(token).digest())
  t.equal(tokenHint(token), token.slice(-4))
  t.notMatch(tokenDigest(token).toString('latin1'), token.slice(8))
})
