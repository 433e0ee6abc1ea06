import { type Reason, reasons } from '../curation/reasons.ts'
import { findCollection, readCollections } from '../store/collections.ts'
import type { Db, Store } from '../store/db.ts'
import { countBlocks, readSafeLabel } from '../store/feed.ts'
import { countAssertions, countSuppressions } from '../store/suppressions.ts'
import { countLeftOut } from './collection-lint.ts'
import { formatTable } from './table.ts'

/** What was taken in, what was kept out and why, and what the collections hold. */
export async function demoSummary({ db }: Store): Promise<string> {
  const types = (await countAssertions(db)).map((one) => [
    one.type,
    one.indicators,
    one.assertions,
    one.surviving,
  ])
  const suppressed = (await countSuppressions(db)).map((one) => [
    one.reason,
    one.assertions,
    reasons[one.reason as Reason] ?? '',
  ])
  const collections = []
  for (const { id, name, bindings, description } of await readCollections(db)) {
    const { safe: end, asOf } = await readSafeLabel(db, id)
    const [binding] = bindings
    const snapshot = binding && { collectionId: id, binding, asOf }
    const count = snapshot ? await countBlocks(db, snapshot, { begin: undefined, end }) : 0
    collections.push([name, count, description])
  }
  return [
    '',
    'What came in, by type:',
    formatTable(['TYPE', 'INDICATORS', 'ASSERTIONS', 'SURVIVING INDICATORS'], types),
    '',
    'What was kept out, by reason:',
    formatTable(['REASON', 'ASSERTIONS', 'WHAT IT MEANS'], suppressed),
    '',
    'What can be polled:',
    formatTable(['COLLECTION', 'BLOCKS', 'DESCRIPTION'], collections),
    ...(await leftOutSummary(db)),
  ].join('\n')
}

/** What an ESA would miss of the richest collection, in the words of the command that tells it in full. */
async function leftOutSummary(db: Db): Promise<readonly string[]> {
  const collection = await findCollection(db, 'everything')
  if (!collection) return []
  const shape = { profile: 'esa', cidr: 'omit' } as const
  const { permitted, leftOut, groups } = await countLeftOut(db, collection, shape)
  const types = groups.map(({ type, count }) => `${count} ${type}`).join(', ')
  return [
    '',
    `With the profile esa, everything would leave out ${leftOut} of ${permitted}: ${types}.`,
    'Why, and the same of any collection: taxiway collection lint everything --profile esa',
    '(It needs the store to itself; with PostgreSQL it works while the service runs.)',
  ]
}

/** The exact words to type, for our own poller, for cabby, for curl and for an ESA. */
export function demoGuide(demo: {
  readonly url: string
  readonly account: string
  readonly password: string
  /** has the password in its first line */
  readonly passwordFile: string
  readonly pollSeconds: number
  /** in seconds */
  readonly reviseAfter: number
}): string {
  const { url, account, password, passwordFile } = demo
  const { hostname, port, protocol } = new URL(url)
  const login = `--username ${account} --password ${password}`
  const secure = protocol === 'https:'
  return `
Poll it from another terminal, as an ESA would:

  npm run -s taxiway -- poll ${url}/taxii/poll --as esa --collection esa-network --username ${account} --password-file ${passwordFile}

or with cabby (pip install cabby):

  taxii-discovery   --path ${url}/taxii/discovery ${login}
  taxii-collections --path ${url}/taxii/collections ${login}
  taxii-poll        --path ${url}/taxii/poll ${login} --collection esa-network

or with curl:

  curl --user ${account}:${password} ${url}/taxii/poll \\
    -H 'Content-Type: application/xml' \\
    -H 'X-TAXII-Content-Type: urn:taxii.mitre.org:message:xml:1.1' \\
    -H 'X-TAXII-Services: urn:taxii.mitre.org:services:1.1' \\
    -H 'X-TAXII-Protocol: urn:taxii.mitre.org:protocol:${secure ? 'https' : 'http'}:1.0' \\
    --data '<Poll_Request xmlns="http://taxii.mitre.org/messages/taxii_xml_binding-1.1" message_id="1" collection_name="esa-hashes"><Poll_Parameters><Response_Type>FULL</Response_Type></Poll_Parameters></Poll_Request>'

On an ESA (Mail Policies > External Threat Feeds Manager > Add Source):

  Hostname         ${hostname}
  Polling Path     /taxii/poll
  Collection Name  esa-network
  Port             ${port || (secure ? 443 : 80)}
  Use HTTPS        ${secure ? 'Yes' : 'No'}
  User / Password  ${account} / ${password}

One pulse is revised and one deleted in ${demo.reviseAfter} s, and OTX is walked every ${demo.pollSeconds} s: poll twice to see it.
Ctrl-C ends the demo and removes all that it made.`
}
