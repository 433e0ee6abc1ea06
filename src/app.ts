import type { ServerOptions } from 'node:https'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { AdminParts } from './admin/parts.ts'
import { adminRoutes } from './admin/routes.ts'
import { forwardedHook } from './http/forwarded.ts'
import { healthRoutes } from './http/health.ts'
import { problem } from './http/problem.ts'
import { whoIsAskingHook } from './http/who-is-asking.ts'
import type { Metrics } from './metrics.ts'
import type { Identify } from './model/account.ts'
import type { Feed } from './taxii/feed.ts'
import { taxiiRoutes } from './taxii/routes.ts'

export interface AppParts {
  readonly admin: AdminParts
  readonly feed: Feed
  readonly identify: Identify
  /** rejects while the store cannot be used */
  readonly checkStore: () => Promise<void>
  readonly metrics: Metrics
  readonly log: FastifyBaseLogger
  readonly publicUrl: string | undefined
  /** undefined: plain HTTP */
  readonly tls?: ServerOptions | undefined
  /** addresses and CIDR blocks of proxies whose X-Forwarded headers are believed */
  readonly trustedProxies?: readonly string[]
  readonly version: string
}

/** The service with all its routes. Reads no environment and does not listen. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { trustedProxies = [] } = parts
  const app: FastifyInstance = Fastify({
    loggerInstance: parts.log,
    // A client that opens a connection and says nothing, or says it byte by byte, is let go.
    connectionTimeout: 120_000,
    requestTimeout: 60_000,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    ...(parts.tls && { https: parts.tls }),
  })
  app.addHook('onRequest', forwardedHook(trustedProxies, parts.log))
  await app.register(swagger, {
    // TAXII's routes are described by its specification.
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Taxiway',
        description: 'The service beside its TAXII 1.1 feeds.',
        version: parts.version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { basic: { type: 'http', scheme: 'basic' } } },
    },
  })
  // Promised to browsers for months, so only where HTTPS is what clients are told to use.
  const hsts = parts.publicUrl?.startsWith('https:') ?? false
  await app.register(helmet, { strictTransportSecurity: hsts })
  app.setNotFoundHandler((request, reply) =>
    problem(reply, {
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      detail: `There is nothing at ${request.method} ${request.url.split('?', 1)[0]}.`,
    }),
  )
  app.addHook('onResponse', async (request, reply) => {
    parts.metrics.requests.observe(
      {
        method: request.method,
        // Paths that are no routes are the callers' words and would grow without bound.
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
      },
      reply.elapsedTime / 1000,
    )
  })
  await app.register(healthRoutes, {
    checkStore: parts.checkStore,
    registry: parts.metrics.registry,
  })
  await adminRoutes(app, parts.admin, (scope) => whoIsAskingHook(scope, parts.identify))
  await taxiiRoutes(app, {
    feed: parts.feed,
    identify: parts.identify,
    publicUrl: parts.publicUrl,
    log: parts.log,
  })
  return app
}
