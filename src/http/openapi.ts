import type { SwaggerOptions } from '@fastify/swagger'
import { problemContent } from './problem.ts'

/** How the REST interface is described, for openapi.yaml and /docs. */
export function openapiOptions(version: string, publicUrl: string | undefined): SwaggerOptions {
  return {
    // TAXII's routes are described by its specification.
    hideUntagged: true,
    refResolver: {
      // A schema that refers to itself stands under the name that it has in the code.
      buildLocalReference: ({ $id }, _base, _fragment, index) =>
        typeof $id === 'string' && /^[A-Z]\w*$/.test($id) ? $id : `schema-${index}`,
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Taxiway',
        description:
          'The service beside its TAXII 1.1 feeds. JSON; moments are ISO 8601 in UTC; errors are problems as of RFC 9457, with a stable `code`.',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      // Below which path clients find this server.
      servers: [{ url: publicUrl === undefined ? '/' : new URL(publicUrl).pathname }],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of an account, or a JWT of POST /management/auth.',
          },
          // Of OpenAPI 3.1, which the types do not know.
          mutualTls: {
            type: 'mutualTLS',
            description: 'A client certificate that stands for an account.',
          } as never,
        },
      },
    },
    transform: ({ schema, url, route }) => ({
      url,
      schema: schema && {
        ...schema,
        response: { ...(schema.response as object), ...route.config?.problems },
      },
    }),
    transformObject: (described) =>
      'openapiObject' in described
        ? shareProblem(described.openapiObject)
        : described.swaggerObject,
  }
}

const problemSchema = problemContent.content['application/problem+json'].schema
const problemText = JSON.stringify(problemSchema)

/** Describes problems once, and not for each answer that is one. */
function shareProblem<T extends { components?: object }>(description: T): T {
  const replaced = JSON.parse(
    JSON.stringify(description).replaceAll(problemText, '{"$ref":"#/components/schemas/Problem"}'),
  )
  const schemas = { ...replaced.components?.schemas, Problem: problemSchema }
  const components = { ...replaced.components, schemas }
  return { ...replaced, components }
}
