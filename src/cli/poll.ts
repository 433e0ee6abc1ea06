import { setTimeout as sleep } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { ConfigError } from '../model/errors.ts'
import { type Micros, microsFromDate, parseMicros } from '../model/micros.ts'
import { type BasicAuthorization, basicAuthorization } from '../taxii/client/credentials.ts'
import { deviceNames } from '../taxii/client/device.ts'
import { createDevice } from '../taxii/client/devices/devices.ts'
import { createHttpClient, type TlsFiles } from '../taxii/client/http.ts'
import { parseDays } from './parse-count.ts'
import { parseMoment } from './parse-moment.ts'
import { pollHelp } from './poll-help.ts'
import { createOutput } from './poll-output.ts'
import { readPassword, readTextFile } from './poll-password.ts'
import { makePlan, type PollOptions, readPollUrl } from './poll-plan.ts'
import { runPoll, unread } from './poll-run.ts'
import { untilStopped } from './until-stopped.ts'

export function pollCommand(): Command {
  return new Command('poll')
    .description('poll any TAXII 1.1 server as a device would, and tell what that device takes in')
    .argument('<url>', 'the polling address, such as https://feeds.example.org:9000/taxii/poll')
    .requiredOption('--collection <name>', 'the collection to poll')
    .addOption(new Option('--as <device>', 'the device to be').choices(deviceNames).default('esa'))
    .option('--username <name>', 'the account, for Basic authentication')
    .option(
      '--password-file <file>',
      'its first line is the password; - is standard input (default: asked for)',
    )
    .addOption(new Option('--password <password>').hideHelp())
    .option(
      '--age <days>',
      'how far back the full poll begins (default: 30; with --as cabby: everything)',
      parseDays,
    )
    .option(
      '--segment <days>',
      'days that one request of the full poll covers (default: esa 5, minemeld 1)',
      parseDays,
    )
    .option(
      '--deltas <polls>',
      'delta polls after the full one (default: esa 1, others 0)',
      parsePolls,
    )
    .option('--follow', 'go on with delta polls until Ctrl-C')
    .option('--interval <minutes>', 'between two of them', parseMinutes, 60)
    .option('--begin <moment>', 'where the full poll begins, instead of --age', parseLabel)
    .option('--end <moment>', 'where it ends (default: now)', parseLabel)
    .option(
      '--binding <urn>',
      'a content binding to ask for; again for more (default: as the device does)',
      collect,
    )
    .option('--subscription <id>', 'poll by this subscription')
    .option('--discover', 'ask at the address where to poll (tid and minemeld always do)')
    .option('--ca <file>', 'PEM of a private CA, trusted besides the public ones that Node has')
    .option('--cert <file>', 'PEM of a client certificate and its chain')
    .option('--key <file>', 'PEM of its key')
    .option('--key-password-file <file>', 'its first line is the password of the key')
    .option(
      '--timeout <seconds>',
      'without a byte of the answer, at its beginning or between two pieces',
      parseSeconds,
      60,
    )
    .option('--max-answer <minutes>', 'for the whole answer to one request', parseMinutes, 30)
    .option('--max-block <megabytes>', 'the largest block that is read', parseMegabytes, 16)
    .option('--blocks', 'a line for each block')
    .option('--json', 'one JSON object a line, blocks included')
    .option('--strict', 'exit with 3 when anything was dropped or choked on')
    .addHelpText('after', pollHelp)
    .action(poll)
}

async function poll(address: string, options: PollOptions & { password?: string }): Promise<void> {
  const url = readPollUrl(address)
  if (options.password !== undefined) {
    throw new ConfigError(
      '--password would show the password to every user of this machine: --password-file FILE, - for standard input, or leave it out and be asked',
    )
  }
  const device = createDevice(options.as)
  const now = () => microsFromDate(new Date())
  const plan = makePlan(url, options, device, now())
  const tls = await readTlsFiles(options)
  const credentials = await readCredentials(options, url)
  const http = createHttpClient(tls, {
    timeoutMs: options.timeout * 1000,
    wholeMs: options.maxAnswer * 60_000,
  })
  const stop = new AbortController()
  void untilStopped().then(() => stop.abort())
  // Nobody reads on: there is no sense in polling on.
  process.stdout.once('error', () => stop.abort(unread))
  const secrets = credentials ? [credentials.password, credentials.basic.header.slice(6)] : []
  const output = createOutput(secrets, (text) => process.stdout.write(text))
  const errors = createOutput(secrets, (text) => process.stderr.write(text))
  try {
    process.exitCode = await runPoll({
      plan,
      options,
      username: credentials?.username,
      encoding: credentials?.basic.encoding,
      output,
      errors,
      parts: {
        http,
        device,
        now,
        authorization: credentials?.basic.header,
        limits: { maxPieceLength: options.maxBlock * 1024 * 1024 },
        signal: stop.signal,
        sleep: async (ms, signal) => {
          await sleep(ms, undefined, { signal })
        },
      },
    })
  } finally {
    await http.close()
  }
}

interface ReadCredentials {
  readonly username: string
  readonly password: string
  readonly basic: BasicAuthorization
}

async function readCredentials(
  { username, passwordFile }: PollOptions,
  url: URL,
): Promise<ReadCredentials | undefined> {
  if (username === undefined) {
    if (passwordFile === undefined) return undefined
    throw new ConfigError('--password-file needs --username')
  }
  if (username.includes(':')) throw new ConfigError('a user name cannot hold a colon')
  const password = await readPassword(passwordFile, `${username} at ${url.host}`)
  return { username, password, basic: basicAuthorization({ username, password }) }
}

async function readTlsFiles(options: PollOptions): Promise<TlsFiles> {
  const { ca, cert, key, keyPasswordFile } = options
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError('--cert and --key go together')
  }
  const read = async (file: string | undefined) =>
    file === undefined ? undefined : await readTextFile(file)
  const keyPassword = await read(keyPasswordFile)
  return {
    ca: await read(ca),
    certificate: await read(cert),
    key: await read(key),
    keyPassword: keyPassword?.split(/\r?\n/, 1)[0],
  }
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function parseLabel(text: string): Micros {
  return parseMicros(text) ?? microsFromDate(parseMoment(text))
}

function numberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,7}$/.test(text) ? Number(text) : -1
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`must be a number from ${least} to ${most}.`)
  }
}

const parsePolls = numberWithin(0, 1000)
const parseMinutes = numberWithin(1, 10_080)
const parseSeconds = numberWithin(1, 3600)
const parseMegabytes = numberWithin(1, 256)
