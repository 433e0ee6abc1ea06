import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import t from 'tap'
import { applyCommand } from '../src/cli/apply.ts'
import { indicatorCommand } from '../src/cli/indicator.ts'
import { judgingCommand } from '../src/cli/judging.ts'
import { rejectionsCommand } from '../src/cli/rejections.ts'
import { suppressionsCommand } from '../src/cli/suppressions.ts'
import { warninglistCommand } from '../src/cli/warninglist.ts'
import { withdrawCommand } from '../src/cli/withdraw.ts'
import { defaultPolicy } from '../src/curation/policy.ts'
import { notLiftable, reasonNames } from '../src/curation/reasons.ts'
import { policyKeys } from '../src/curation/stored-policy.ts'
import { observableTypes } from '../src/model/observable.ts'

const page = readFileSync(new URL('../docs/judging.md', import.meta.url), 'utf8')
const roots = [
  applyCommand(),
  indicatorCommand(),
  judgingCommand(),
  rejectionsCommand(),
  suppressionsCommand(),
  warninglistCommand(),
  withdrawCommand(),
]

/** The part of the page under a heading. */
function section(heading: string): string {
  const [, part = ''] = page.split(`\n## ${heading}\n`)
  return part.split('\n## ')[0] as string
}

t.test('each reason is explained once, with its rule and who can lift it', async (t) => {
  const paragraphs = section('Each reason').split(/\n(?=\*\*`)/)
  const explained = paragraphs.flatMap((text) => {
    const [head = ''] = text.split(':')
    return head.startsWith('**`') ? [...head.matchAll(/`([a-z-]+)`/g)].map((one) => one[1]) : []
  })
  t.same(explained.sort(), [...reasonNames].sort())
  for (const reason of Object.keys(notLiftable)) {
    const text = paragraphs.find((one) => one.startsWith(`**\`${reason}\``))
    t.match(text, /cannot be lifted/, reason)
  }
})

t.test('each key of the policy is in the table, with its default, and no other', async (t) => {
  const rows = [...section('The policy').matchAll(/^\| `(\w+)` \| (.*?) \|/gm)]
  t.same(rows.map(([, key]) => key).sort(), [...policyKeys].sort())
  const defaults = new Map(rows.map(([, key, value]) => [key, value]))
  const { ipv4, ipv6 } = defaultPolicy.broadestCidr
  t.equal(defaults.get('broadestCidr'), `\`ipv4: ${ipv4}\`, \`ipv6: ${ipv6}\``)
  t.equal(defaults.get('heldBackTypes'), defaultPolicy.heldBackTypes.join(', '))
  t.equal(defaults.get('listedConfidencePercent'), String(defaultPolicy.listedConfidencePercent))
})

t.test('each type of observable has its row, with the days that it counts', async (t) => {
  const rows = [...section('By kind').matchAll(/^\| (.*) \|$/gm)].map(([, row]) => String(row))
  for (const type of observableTypes) {
    const found = rows.filter((row) => row.split(' | ')[0]?.includes(`\`${type}\``))
    t.equal(found.length, 1, type)
    const days = defaultPolicy.ageDays[type]
    t.match(found[0]?.split(' | ')[2], days === undefined ? /^for ever/ : `${days} days`, type)
  }
})

t.test('each command on the page exists, with the options that it is given', async (t) => {
  const named = [...page.matchAll(/(?:^ {4}\$ |^ {4}|`)taxiway\s+([^`\n|]+(?:\n[^`\n|]+`)?)/gm)]
  t.ok(named.length > 30)
  for (const [, text = ''] of named) {
    let command: Command | undefined
    let choices = roots
    for (const word of text.split(/\s+/)) {
      const next = choices.find((one) => one.name() === word)
      if (!next) break
      command = next
      choices = [...next.commands]
    }
    t.ok(command, text)
    for (const [option] of text.matchAll(/--[a-z-]+/g)) {
      // One of its subcommands may be meant where none is named.
      const asked = command ? [command, ...command.commands] : []
      const known = asked.flatMap(({ options }) => options.map(({ long }) => long))
      t.ok(known?.includes(option), `${option} of ${command?.name()}`)
    }
  }
})

t.test('no command and no option of judging is missing', async (t) => {
  for (const command of roots.find((one) => one.name() === 'judging')?.commands ?? []) {
    t.match(page, `taxiway judging ${command.name()}`)
    for (const { long } of command.options) t.match(page, String(long), command.name())
  }
  for (const { long } of suppressionsCommand().options) {
    if (long !== '--collections') t.match(page, String(long))
  }
})

t.test('what the page leads to is there', async (t) => {
  for (const [, path = ''] of page.matchAll(/\]\(([^)#]+)\)/g)) {
    t.ok(existsSync(new URL(path, new URL('../docs/', import.meta.url))), path)
  }
})
