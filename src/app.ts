import type { ServerOptions } from 'node:https'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { AdminParts } from './admin/parts.ts'
import { adminRoutes } from './admin/routes.ts'
import { restOptions } from './admin/scope.ts'
import { crossSiteHook } from './http/cross-site.ts'
import { docsRoutes } from './http/docs.ts'
import type { OnEnded } from './http/endings.ts'
import { forwardedHook } from './http/forwarded.ts'
import { healthRoutes } from './http/health.ts'
import { type ConnectionLimits, defaultLimits } from './http/limits.ts'
import { managementAuthRoutes } from './http/management-auth.ts'
import { openapiOptions } from './http/openapi.ts'
import { nothingThere } from './http/problem.ts'
import { boundedServer } from './http/server.ts'
import { answerBeforeTheEnd } from './http/unread-body.ts'
import { restHook } from './http/who-is-asking.ts'
import type { Metrics } from './metrics.ts'
import type { Identify } from './model/account.ts'
import type { Feed } from './taxii/feed.ts'
import type { Inbox } from './taxii/inbox.ts'
import { taxiiRoutes } from './taxii/routes.ts'

export interface AppParts {
  readonly admin: AdminParts
  readonly feed: Feed
  readonly inbox: Inbox | undefined
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
  /** of what is read and sent; how many connections there may be, `trackConnections` says */
  readonly limits?: ConnectionLimits
  readonly onEnded?: OnEnded
  readonly version: string
}

/** The service with all its routes. Reads no environment and does not listen. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { trustedProxies = [], limits = defaultLimits, onEnded = () => {} } = parts
  const { createServer, onClientError } = boundedServer({ tls: parts.tls, limits, onEnded })
  const app: FastifyInstance = Fastify({
    loggerInstance: parts.log,
    ...restOptions,
    serverFactory: createServer,
    // The factory has it already; Fastify names the address by it.
    ...(parts.tls && { https: parts.tls }),
    clientErrorHandler: onClientError,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
  })
  answerBeforeTheEnd(app)
  app.addHook('onRequest', forwardedHook(parts.log))
  await app.register(swagger, openapiOptions(parts.version, parts.publicUrl))
  // Promised to browsers for months, so only where HTTPS is what clients are told to use.
  const hsts = parts.publicUrl?.startsWith('https:') ?? false
  await app.register(helmet, {
    // Of other names nothing is known here.
    strictTransportSecurity: hsts && { includeSubDomains: false },
  })
  app.setNotFoundHandler(nothingThere)
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
  await docsRoutes(app)
  await managementAuthRoutes(app, parts.identify)
  await adminRoutes(app, parts.admin, (scope) => {
    scope.addHook('onRequest', crossSiteHook(parts.publicUrl))
    return restHook(scope, parts.identify)
  })
  await taxiiRoutes(app, {
    feed: parts.feed,
    inbox: parts.inbox,
    identify: parts.identify,
    publicUrl: parts.publicUrl,
    log: parts.log,
  })
  return app
}
