import { Command } from 'commander'
import { serviceCalls } from '../admin/client/service.ts'
import type { Health } from '../admin/health.ts'
import { asking } from './asking.ts'
import { type AskingOptions, askingCommand, jsonObject } from './server-options.ts'
import { printable } from './table.ts'

export function healthCommand(): Command {
  const command = new Command('health')
    .description('show how the service is, as the process that answers sees it')
    .addHelpText('after', '\nExample:\n  taxiway health')
    .action((options: AskingOptions) =>
      asking(options, async (connection) => {
        const health = await serviceCalls(connection).health()
        if (options.json) return console.log(JSON.stringify(health))
        console.log(healthToText(health, connection.isServer))
      }),
    )
  return askingCommand(command, jsonObject)
}

function healthToText(health: Health, isServer: boolean): string {
  const { store, leases, sources, certificate, collectionsBehind } = health
  const facts: [string, string][] = [
    [
      'service',
      isServer ? `version ${health.version}, since ${health.startedAt}` : 'none answers here',
    ],
    ['store', `${store.kind}, schema ${store.schema ?? 'none'}`],
    ...leases.map(({ name, holder }): [string, string] => [
      'done for all',
      `${name}: ${holder === null ? 'by nobody now' : `by ${holder}`}`,
    ]),
    ...sources.map(({ name, status }): [string, string] => ['source', `${name}: ${status}`]),
    [
      'collections',
      collectionsBehind === 0
        ? 'all publish by their settings'
        : `${collectionsBehind} do not publish by their settings yet`,
    ],
    ...(isServer ? [['TLS', tlsText(certificate)] as [string, string]] : []),
    ['secret key', health.keyId],
  ]
  const width = Math.max(...facts.map(([what]) => what.length))
  return facts.map(([what, fact]) => `${what.padEnd(width)}  ${printable(fact)}`).join('\n')
}

function tlsText(certificate: Health['certificate']): string {
  if (certificate === null) return 'none in this process'
  return `${certificate.subject}, until ${certificate.validUntil}`
}
