/** The paths of OpenTAXII's services. */
export const paths = {
  discovery: '/services/discovery',
  collections: '/services/collection-management',
  poll: '/services/poll',
  inbox: '/services/inbox',
}

/** OpenTAXII's own configuration; it reads YAML, of which JSON is a part. */
export function openTaxiiConfig(options: {
  readonly databaseUrl: string
  readonly port: number
  readonly secret: string
}): object {
  const database = {
    db_connection: options.databaseUrl.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
    create_tables: false,
  }
  return {
    domain: `127.0.0.1:${options.port}`,
    support_basic_auth: true,
    auth_api: {
      class: 'opentaxii.auth.sqldb.SQLDatabaseAPI',
      parameters: { ...database, secret: options.secret },
    },
    taxii1: {
      persistence_api: {
        class: 'opentaxii.persistence.sqldb.SQLDatabaseAPI',
        parameters: database,
      },
    },
    logging: { opentaxii: 'warning', root: 'warning' },
  }
}

/** More blocks than there are, so that one response holds all of them. */
const maxBlocks = 10_000_000

/** Services, one collection and one account that may read it, as opentaxii-sync-data takes them. */
export function openTaxiiData(options: {
  readonly collection: string
  readonly binding: string
  readonly username: string
  readonly password: string
  readonly blocksPerPart: number | undefined
  readonly inbox: boolean
}): object {
  const common = {
    authentication_required: true,
    protocol_bindings: ['urn:taxii.mitre.org:protocol:http:1.0'],
  }
  return {
    services: [
      {
        id: 'discovery',
        type: 'discovery',
        address: paths.discovery,
        description: 'Discovery',
        advertised_services: ['discovery', 'collections', 'poll'],
        ...common,
      },
      {
        id: 'collections',
        type: 'collection_management',
        address: paths.collections,
        description: 'Collections',
        ...common,
      },
      {
        id: 'poll',
        type: 'poll',
        address: paths.poll,
        description: 'Poll',
        subscription_required: false,
        max_result_count: maxBlocks,
        max_result_size: options.blocksPerPart ?? maxBlocks,
        ...common,
      },
      ...(options.inbox
        ? [
            {
              id: 'inbox',
              type: 'inbox',
              address: paths.inbox,
              description: 'Inbox',
              destination_collection_required: true,
              accept_all_content: true,
              ...common,
            },
          ]
        : []),
    ],
    collections: [
      {
        name: options.collection,
        description: 'What is polled',
        type: 'DATA_FEED',
        available: true,
        accept_all_content: false,
        supported_content: [options.binding],
        service_ids: ['collections', 'poll', ...(options.inbox ? ['inbox'] : [])],
      },
    ],
    accounts: [
      {
        username: options.username,
        password: options.password,
        permissions: { [options.collection]: options.inbox ? 'modify' : 'read' },
      },
    ],
  }
}
