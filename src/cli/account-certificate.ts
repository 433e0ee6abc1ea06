import { Command, Option } from 'commander'
import { accountCalls, type Certificate, type NewCertificate } from '../admin/client/accounts.ts'
import { ConfigError } from '../model/errors.ts'
import { asking } from './asking.ts'
import { parseId } from './parse-count.ts'
import { readTextFile } from './poll-password.ts'
import { printList } from './print-list.ts'
import { type AskingOptions, askingCommand, jsonLines, jsonObject } from './server-options.ts'

export function certificateCommand(): Command {
  return new Command('certificate')
    .description('client certificates, by which devices sign in')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand())
}

interface AddOptions extends AskingOptions {
  readonly file?: string
  readonly fingerprint?: string
  readonly subject?: string
}

function addCommand(): Command {
  const ways = ['file', 'fingerprint', 'subject']
  const way = (flags: string, description: string, name: string) =>
    new Option(flags, description).conflicts(ways.filter((one) => one !== name))
  const command = new Command('add')
    .description('let in as an account whoever shows a certificate')
    .argument('<account>')
    .addOption(way('--file <pem>', 'this one, PEM, without its key', 'file'))
    .addOption(way('--fingerprint <sha256>', 'the one of this fingerprint', 'fingerprint'))
    .addOption(
      way('--subject <name>', 'any of this name that the CA for clients has signed', 'subject'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  taxiway account certificate add esa1 --subject "CN=esa1, O=Example"',
    )
    .action((account: string, { file, fingerprint, subject, ...options }: AddOptions) =>
      asking(options, async (connection) => {
        const given = await readCertificate({ file, fingerprint, subject })
        const made = await accountCalls(connection).addCertificate(account, given)
        const text = `whoever shows ${told(made)} is ${account}`
        console.log(options.json ? JSON.stringify(made) : text)
      }),
    )
  return askingCommand(command, jsonObject)
}

async function readCertificate({
  file,
  fingerprint,
  subject,
}: {
  readonly [way in 'file' | 'fingerprint' | 'subject']: string | undefined
}): Promise<NewCertificate> {
  if (fingerprint !== undefined) return { fingerprint }
  if (subject !== undefined) return { subject }
  if (file === undefined) {
    throw new ConfigError('name a certificate: --file PEM, --fingerprint SHA256 or --subject NAME')
  }
  const pem = await readTextFile(file)
  if (/PRIVATE KEY/.test(pem)) {
    throw new ConfigError(
      `${file} holds a private key, which goes nowhere; give the certificate alone`,
    )
  }
  return { certificate: pem }
}

function told({ fingerprint, subject }: Certificate): string {
  return fingerprint === null ? `a certificate of ${subject}` : `the certificate ${fingerprint}`
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the certificates that are taken for an account')
    .argument('<account>')
    .addHelpText('after', '\nExample:\n  taxiway account certificate list esa1')
    .action((account: string, options: AskingOptions) =>
      asking(options, (connection) =>
        printList(accountCalls(connection).listCertificates(account), options.json, {
          headings: ['ID', 'TOLD BY', 'VALUE', 'MADE', 'BY'],
          toRow: ({ id, fingerprint, subject, createdAt, createdBy }: Certificate) => [
            id,
            fingerprint === null ? 'subject' : 'fingerprint',
            fingerprint ?? subject ?? '',
            createdAt,
            createdBy,
          ],
          none: `${account} has no certificate.`,
        }),
      ),
    )
  return askingCommand(command, jsonLines)
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('take a certificate for an account no more')
    .argument('<account>')
    .argument('<id>', 'as the list has it', parseId)
    .addHelpText('after', '\nExample:\n  taxiway account certificate remove esa1 3')
    .action((account: string, id: number, options: AskingOptions) =>
      asking(options, async (connection) => {
        await accountCalls(connection).removeCertificate(account, id)
        const text = `the certificate ${id} is not taken for ${account} any more`
        console.log(options.json ? JSON.stringify({ account, id, removed: true }) : text)
      }),
    )
  return askingCommand(command, jsonObject)
}
