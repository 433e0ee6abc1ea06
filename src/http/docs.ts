import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/*
 * What the page may load and where it may send what is tried out: this server alone. Its images are a part of
 * its style sheet and of its script. No script stands in the page itself, so none needs to be permitted there.
 */
const contentSecurityPolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': ["'self'", 'data:'],
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/**
 * The description of the REST interface for people, at /docs: Swagger UI, from this server alone. Anybody may
 * read it, as the project is public. A token that somebody enters there stays in his page until it is closed.
 */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    theme: { title: 'Taxiway' },
    uiConfig: { deepLinking: true, docExpansion: 'list', persistAuthorization: false },
    uiHooks: {
      // The page names its files from where it stands, so that it works below another path behind a proxy.
      onRequest: async (request, reply) => {
        if (request.url.split('?', 1)[0] === '/docs') return reply.redirect('docs/', 308)
      },
    },
  })
}
