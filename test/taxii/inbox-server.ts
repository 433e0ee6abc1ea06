import Fastify from 'fastify'
import type { Test } from 'tap'
import type { Account, Role } from '../../src/model/account.ts'
import type { CollectionSettings } from '../../src/model/collection.ts'
import { putGrant } from '../../src/store/account-changes.ts'
import { createAccount } from '../../src/store/accounts.ts'
import { readCollections } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import type { InboxSettings } from '../../src/taxii/inbox.ts'
import type { InboxFigures } from '../../src/taxii/inbox-figures.ts'
import { taxiiRoutes } from '../../src/taxii/routes.ts'
import { createStoredFeed } from '../../src/taxii/stored-feed.ts'
import { createStoredInbox } from '../../src/taxii/stored-inbox.ts'
import { readXml } from '../../src/xml/read.ts'
import { identifyByPassword } from '../helpers/identify.ts'
import { aCollection, createTestIntake, type TestIntake } from '../intake/reports.ts'
import { type Answer, full, namespace, pollRequest, statusOf, taxiiHeaders } from './server.ts'

export const stix12 = 'urn:stix.mitre.org:xml:1.2'

type Grants = Readonly<Record<string, { readonly read: boolean; readonly write: boolean }>>

export interface InboxServer {
  readonly url: string
  readonly db: Db
  readonly intake: TestIntake
  readonly logged: { message: string; err?: unknown }[]
  addAccount(name: string, grants?: Grants, role?: Role): Promise<Account>
  /** @param body a whole message, or its blocks */
  send(
    body: string | Uint8Array<ArrayBuffer> | ReadableStream,
    options?: { as?: string; headers?: Record<string, string> },
  ): Promise<Answer>
  /** the texts of the values in a collection's blocks, sorted */
  poll(collection: string, as?: string): Promise<string[]>
}

export const everything: InboxSettings = { destination: 'required', maxBytes: 1e6, tlp: 'white' }

/** A TAXII server with the inbox collections `in`, `second` and `closed`, the last of which takes nothing. */
export async function startInboxServer(
  t: Test,
  db: Db,
  settings: Partial<InboxSettings> = {},
  collections: readonly Partial<CollectionSettings>[] = [],
  figures?: InboxFigures,
): Promise<InboxServer> {
  const intake = createTestIntake(t, db)
  await intake.settle(
    ...[
      { name: 'in', inbox: true },
      { name: 'second', inbox: true },
      { name: 'closed' },
      ...collections,
    ].map((one) => aCollection({ rule: { source: 'nobody' }, maxTlp: 'amber', ...one })),
  )
  const accounts = new Map<string, Account>()
  const app = Fastify({ forceCloseConnections: true })
  const logged: InboxServer['logged'] = []
  app.register(taxiiRoutes, {
    feed: createStoredFeed(db, 86_400),
    inbox: createStoredInbox(intake, { ...everything, ...settings }, figures),
    log: { info: () => {}, error: (details, message) => logged.push({ ...details, message }) },
    identify: identifyByPassword(async (name) => accounts.get(name)),
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const ids = new Map((await readCollections(db)).map(({ name, id }) => [name, id]))

  const post: InboxServer['send'] = async (body, { as = 'admin', headers = {} } = {}) => {
    const response = await fetch(`${url}/taxii/inbox`, {
      method: 'POST',
      headers: {
        ...taxiiHeaders,
        Authorization: `Basic ${Buffer.from(`${as}:pass`).toString('base64')}`,
        ...headers,
      },
      body,
      duplex: 'half',
    } as RequestInit)
    const text = await response.text()
    const { status } = response
    return { status, headers: response.headers, body: text, root: readXml(Buffer.from(text)) }
  }
  const server: InboxServer = {
    url,
    db,
    intake,
    logged,
    async addAccount(name, grants = {}, role = 'reader') {
      const account = await createAccount(db, name, 'hash', role)
      if (!account) throw new Error(`there is a ${name} already`)
      accounts.set(name, account)
      for (const [collection, grant] of Object.entries(grants)) {
        await putGrant(db, account.id, ids.get(collection) as number, grant)
      }
      return account
    },
    send: post,
    async poll(collection, as = 'admin') {
      const { body } = await post(pollRequest(full, collection), { as })
      return valuesIn(body).sort()
    },
  }
  await server.addAccount('admin', {}, 'administrator')
  return server
}

/** The texts of all values that a Poll_Response's blocks have. */
export function valuesIn(text: string): string[] {
  return [...text.matchAll(/condition="Equals">([^<]+)<\/\w+:(?:\w*Value|File_Path|Name)>/g)].map(
    (match) => String(match[1]),
  )
}

export function inboxMessage(blocks: string, destinations = ['in'], id = 'm-1'): string {
  const names = destinations
    .map((name) => `<t:Destination_Collection_Name>${name}</t:Destination_Collection_Name>`)
    .join('')
  return `<t:Inbox_Message xmlns:t="${namespace}" message_id="${id}">${names}${blocks}</t:Inbox_Message>`
}

export function block(content: string, binding = stix12): string {
  return `<t:Content_Block><t:Content_Binding binding_id="${binding}"/><t:Content>${content}</t:Content></t:Content_Block>`
}

export const stixNamespaces =
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:stix="http://stix.mitre.org/stix-1" xmlns:stixCommon="http://stix.mitre.org/common-1" xmlns:indicator="http://stix.mitre.org/Indicator-2" xmlns:cybox="http://cybox.mitre.org/cybox-2" xmlns:cyboxCommon="http://cybox.mitre.org/common-2" xmlns:AddressObj="http://cybox.mitre.org/objects#AddressObject-2" xmlns:DomainNameObj="http://cybox.mitre.org/objects#DomainNameObject-1" xmlns:FileObj="http://cybox.mitre.org/objects#FileObject-2" xmlns:marking="http://data-marking.mitre.org/Marking-1" xmlns:tlpMarking="http://data-marking.mitre.org/extensions/MarkingStructure#TLP-1" xmlns:ex="http://example.com/"'

export function stixPackage(content: string, attributes = 'id="ex:package-1"'): string {
  return `<stix:STIX_Package ${stixNamespaces} version="1.2" ${attributes}>${content}</stix:STIX_Package>`
}

export function indicators(...all: readonly string[]): string {
  return `<stix:Indicators>${all.join('')}</stix:Indicators>`
}

/** @param inside elements of an Indicator, in their order */
export function indicator(inside: string, attributes = ''): string {
  return `<stix:Indicator xsi:type="indicator:IndicatorType" ${attributes}>${inside}</stix:Indicator>`
}

export function domain(value: string, attributes = 'condition="Equals"'): string {
  return `<cybox:Object><cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType"><DomainNameObj:Value ${attributes}>${value}</DomainNameObj:Value></cybox:Properties></cybox:Object>`
}

export function observing(object: string, attributes = ''): string {
  return `<indicator:Observable ${attributes}>${object}</indicator:Observable>`
}

/** A package with an indicator on each of these domains. */
export function packageOn(domains: readonly string[], attributes?: string): string {
  return stixPackage(
    indicators(...domains.map((one) => indicator(observing(domain(one))))),
    attributes,
  )
}

export { statusOf }
