/** Every path answers every message: QRadar polls the discovery path, and guides misspell others. */
export const paths: readonly string[] = [
  '/taxii/discovery',
  '/taxii/collections',
  '/taxii/poll',
  '/taxii/inbox',
  '/taxii/subscriptions',
  '/services/discovery',
  '/services/collection-management',
  '/services/feed-management',
  '/services/poll',
  '/services/inbox',
  '/taxii-discovery-service',
  '/taxii-data',
  '/taxi/poll',
].flatMap((path) => [path, `${path}/`])
