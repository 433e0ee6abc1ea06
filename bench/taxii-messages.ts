import { randomUUID } from 'node:crypto'
import { namespace } from '../test/helpers/poll.ts'
import { stix12 } from './taxii-requests.ts'

export const discoveryRequest = `<Discovery_Request xmlns="${namespace}" message_id="1"/>`
export const collectionsRequest = `<Collection_Information_Request xmlns="${namespace}" message_id="1"/>`

/** An Inbox_Message with so many blocks: each a small STIX package with one indicator, never sent before. */
export function inboxMessage(collection: string, blocks: number): string {
  const all = Array.from(
    { length: blocks },
    () =>
      `<Content_Block><Content_Binding binding_id="${stix12}"/><Content>${smallPackage()}</Content></Content_Block>`,
  )
  return `<Inbox_Message xmlns="${namespace}" message_id="1"><Destination_Collection_Name>${collection}</Destination_Collection_Name>${all.join('')}</Inbox_Message>`
}

function smallPackage(): string {
  const id = randomUUID()
  const now = new Date().toISOString()
  return (
    '<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1" xmlns:indicator="http://stix.mitre.org/Indicator-2"' +
    ' xmlns:cybox="http://cybox.mitre.org/cybox-2" xmlns:DomainNameObj="http://cybox.mitre.org/objects#DomainNameObject-1"' +
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:bench="http://bench.example/"' +
    ` id="bench:Package-${id}" version="1.2" timestamp="${now}"><stix:Indicators>` +
    `<stix:Indicator id="bench:indicator-${id}" timestamp="${now}" xsi:type="indicator:IndicatorType">` +
    '<indicator:Title>A name of a bench</indicator:Title>' +
    `<indicator:Observable id="bench:Observable-${id}"><cybox:Object id="bench:DomainName-${id}">` +
    '<cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType" type="FQDN">' +
    `<DomainNameObj:Value condition="Equals">n${id}.bench-of-taxii.com</DomainNameObj:Value>` +
    '</cybox:Properties></cybox:Object></indicator:Observable></stix:Indicator></stix:Indicators></stix:STIX_Package>'
  )
}
