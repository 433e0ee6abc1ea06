import t, { type Test } from 'tap'
import type { AdminParts } from '../../src/admin/parts.ts'
import { buildApp } from '../../src/app.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Identify } from '../../src/model/account.ts'
import type { Feed } from '../../src/taxii/feed.ts'
import { createTestLog } from '../helpers/log.ts'

/** The service on a port of its own. Nothing of the store is asked. */
async function listen(t: Test, publicUrl?: string): Promise<string> {
  const app = await buildApp({
    admin: { version: '0.0.0' } as AdminParts,
    feed: {} as Feed,
    inbox: undefined,
    identify: {} as Identify,
    checkStore: async () => {},
    metrics: createMetrics(),
    log: createTestLog(),
    publicUrl,
    version: '0.0.0',
  })
  t.teardown(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

/** What a page loads: addresses of scripts, and of style sheets and images. */
function loadedBy(html: string): { scripts: string[]; links: string[] } {
  const all = (pattern: RegExp) => [...html.matchAll(pattern)].map((match) => String(match[1]))
  return {
    scripts: all(/<script\b[^>]*\bsrc="([^"]+)"/g),
    links: all(/<link\b[^>]*\bhref="([^"]+)"/g),
  }
}

function readPolicy(header: string | null): Record<string, string> {
  const directives = (header ?? '').split(';').map((directive) => directive.trim())
  return Object.fromEntries(
    directives
      .filter((directive) => directive !== '')
      .map((directive) => {
        const [name = '', ...sources] = directive.split(' ')
        return [name, sources.join(' ')]
      }),
  )
}

t.test(
  'the page and all that it loads come from this server, and anybody may read them',
  async (t) => {
    const base = await listen(t)
    const page = await fetch(`${base}/docs/`)
    t.equal(page.status, 200)
    t.match(page.headers.get('content-type'), /^text\/html/)
    t.equal(page.headers.get('x-content-type-options'), 'nosniff')
    t.equal(page.headers.get('set-cookie'), null)
    const html = await page.text()
    const { scripts, links } = loadedBy(html)
    t.equal(scripts.length, 3)
    t.ok(links.length >= 2)
    for (const place of [...scripts, ...links]) {
      t.match(place, /^\.\/static\//)
      const file = await fetch(new URL(place, `${base}/docs/`))
      t.equal(file.status, 200, place)
      const type = place.endsWith('.js') ? /javascript/ : place.endsWith('.css') ? /css/ : /image/
      t.match(file.headers.get('content-type'), type, place)
      t.not((await file.arrayBuffer()).byteLength, 0, place)
    }
    const description = await fetch(`${base}/docs/json`)
    t.equal(description.status, 200)
    t.match(await description.json(), { openapi: /^3\.1\./, paths: { '/api/v1/accounts': {} } })
  },
)

t.test('its policy permits what it loads and nothing else', async (t) => {
  const base = await listen(t, 'https://feeds.example.org')
  const page = await fetch(`${base}/docs/`)
  t.strictSame(readPolicy(page.headers.get('content-security-policy')), {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  })
  const html = await page.text()
  t.strictSame([...html.matchAll(/<script\b(?![^>]*\bsrc=)/g)], [], 'no script in the page')
  t.notMatch(html, /<style\b|\bstyle=|\bon\w+=|<(?:iframe|object|embed|form|base)\b/i)
  t.notMatch(html, /(?:src|href)="(?:[a-z]+:|\/\/)/i, 'no other host')
  const css = await (await fetch(`${base}/docs/static/swagger-ui.css`)).text()
  const urls = [...css.matchAll(/url\(\s*["']?([^"')]{0,20})/g)].map((match) => String(match[1]))
  t.not(urls.length, 0)
  for (const url of urls) t.match(url, /^(?:data:image\/|#)/)
  const start = await (await fetch(`${base}/docs/static/swagger-initializer.js`)).text()
  t.match(start, /"validatorUrl":null|validatorUrl: null/, 'no other host is asked about it')
  t.match(start, /"persistAuthorization":false/, 'no token is kept in the browser')
  t.notMatch(start, /fetch\(|https?:\/\/(?!stackoverflow\.com)/)
})

t.test('other answers keep the policy of the service', async (t) => {
  const base = await listen(t)
  const policy = (await fetch(`${base}/livez`)).headers.get('content-security-policy')
  t.match(policy, /default-src 'self'/)
})

t.test('it works below another path behind a proxy', async (t) => {
  const base = await listen(t, 'https://example.org/threats')
  const answer = await fetch(`${base}/docs?x=1`, { redirect: 'manual' })
  t.equal(answer.status, 308)
  const location = String(answer.headers.get('location'))
  t.equal(
    new URL(location, 'https://example.org/threats/docs').href,
    'https://example.org/threats/docs/',
  )
  const { scripts } = loadedBy(await (await fetch(`${base}/docs/`)).text())
  for (const script of scripts) {
    const { pathname } = new URL(script, 'https://example.org/threats/docs/')
    t.match(pathname, /^\/threats\/docs\/static\//)
  }
  const { servers } = (await (await fetch(`${base}/docs/json`)).json()) as { servers: object[] }
  t.strictSame(servers, [{ url: '/threats' }])
})
