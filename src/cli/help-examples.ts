import type { Command } from 'commander'

/** How to use a command whose own words show no example. */
const examples: Readonly<Record<string, string>> = {
  '': 'taxiway account add esa1 --read esa-network',
  serve: 'taxiway serve',
  demo: 'taxiway demo --revise-after 10',
  migrate: 'taxiway migrate',
  collection: 'taxiway collection list',
  account: 'taxiway account list',
  'account token': 'taxiway account token list alice',
  'account certificate': 'taxiway account certificate list esa1',
  source: 'taxiway source list',
  subscription: 'taxiway subscription list',
  secret: 'taxiway secret list',
  'indicator override add':
    'taxiway indicator override add cdn.example.org --reason warninglist --because "case 4711" --until 30d',
  'indicator override list': 'taxiway indicator override list --all',
  'indicator override end': 'taxiway indicator override end 3',
  'indicator withdraw': 'taxiway indicator withdraw mail.example.org --reason "our own mail host"',
  judging: 'taxiway judging show',
  'judging show': 'taxiway judging show',
  warninglist: 'taxiway warninglist list',
  'warninglist add': 'taxiway warninglist add misp-warninglists/lists --dry-run',
  'warninglist list': 'taxiway warninglist list',
  'warninglist show': 'taxiway warninglist show dns-hosts',
  'warninglist remove': 'taxiway warninglist remove dns-hosts',
  'warninglist enable': 'taxiway warninglist enable dns-hosts',
  'warninglist disable': 'taxiway warninglist disable dns-hosts',
  'warninglist effect': 'taxiway warninglist effect dns-hosts inform',
  'withdraw indicator': 'taxiway withdraw indicator mail.example.org --reason "our own mail host"',
  'withdraw report':
    'taxiway withdraw report 5f0e1d2c3b4a59687f6e5d4c --reason "a list of CDN addresses"',
  'withdraw source': 'taxiway withdraw source otx --reason "it is not to be trusted"',
  'withdraw list': 'taxiway withdraw list',
  'withdraw undo': 'taxiway withdraw undo 3',
  rejections: 'taxiway rejections --limit 20',
}

/** Ends the help of the commands below one with these. */
export function addExamples(command: Command, path: readonly string[] = []): void {
  const example = examples[path.join(' ')]
  if (example !== undefined) command.addHelpText('after', `\nExample:\n  ${example}`)
  for (const one of command.commands) addExamples(one, [...path, one.name()])
}
