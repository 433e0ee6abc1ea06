import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { findPlace } from '../../src/listen.ts'
import { ConfigError } from '../../src/model/errors.ts'
import { checkPlainHttp, isLoopback } from '../../src/plain-http.ts'
import { makeFolder, runTaxiway } from '../helpers/taxiway.ts'

t.test('loopback is what no other machine reaches', async (t) => {
  for (const address of ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1']) {
    t.ok(isLoopback(address), address)
  }
  const others = ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '126.255.255.255', 'fe80::1', '::2']
  for (const address of [...others, '::ffff:10.0.0.1']) t.notOk(isLoopback(address), address)
})

t.test('a name is judged by the address that it stands for, which is listened on', async (t) => {
  t.match(await findPlace('localhost', 9000), { host: 'localhost', port: 9000 })
  t.ok(isLoopback((await findPlace('localhost', 9000)).address))
  for (const address of ['127.0.0.9', '::1', '0.0.0.0']) {
    t.strictSame(await findPlace(address, 1), { host: address, address, port: 1 })
  }
  await t.rejects(findPlace('no-such-host.invalid', 9000), {
    code: 'LISTEN_FAILED',
    message: /^cannot listen on no-such-host\.invalid:9000: the name /,
  })
})

t.test('plain HTTP beyond loopback: refused unless the settings allow it', async (t) => {
  const check = (settings: Record<string, string>, address: string) => {
    const warnings: string[] = []
    const config = readConfig(settings)
    checkPlainHttp(config, address, {
      warn: (_: object, text?: string) => warnings.push(`${text}`),
    })
    return warnings
  }
  const named = { TAXIWAY_HOST: 'taxii.example.com' }
  t.throws(
    () => check(named, '192.0.2.7'),
    new ConfigError(
      'TAXIWAY_HOST is taxii.example.com (192.0.2.7), which others reach, and there is no TLS: passwords would go over the network as they are. Set TAXIWAY_TLS_CERT_FILE and TAXIWAY_TLS_KEY_FILE, or TAXIWAY_HOST=127.0.0.1 behind a proxy on this machine, or TAXIWAY_ALLOW_PLAIN_HTTP=true if something else protects them',
    ),
  )
  const allowed = { TAXIWAY_ALLOW_PLAIN_HTTP: 'true' }
  t.match(check({ ...allowed, TAXIWAY_HOST: '0.0.0.0' }, '0.0.0.0'), [
    /^plain HTTP is spoken at 0\.0\.0\.0, which others reach: TAXIWAY_ALLOW_PLAIN_HTTP allows it/,
  ])
  t.strictSame(check(named, '127.0.0.1'), [])
  t.strictSame(check(allowed, '127.0.0.1'), [], 'of what is not used nothing is told')
  const tls = { TAXIWAY_TLS_CERT_FILE: '/cert', TAXIWAY_TLS_KEY_FILE: '/key' }
  t.strictSame(check({ ...named, ...tls }, '192.0.2.7'), [])
})

t.test('what is refused starts nothing', async (t) => {
  const dataDir = join(await makeFolder(t), 'data')
  for (const host of ['0.0.0.0', '::']) {
    const { code, stdout, stderr } = await runTaxiway(t, ['serve'], {
      TAXIWAY_HOST: host,
      TAXIWAY_PORT: '0',
      TAXIWAY_DATA_DIR: dataDir,
    })
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, new RegExp(`taxiway: TAXIWAY_HOST is ${host}, which others reach`))
    await t.rejects(stat(dataDir), { code: 'ENOENT' })
  }
})
