import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type AdminConnection, createConnection } from '../admin/client/connection.ts'
import { findServer } from '../admin/client/find-socket.ts'
import { createHttpTransport } from '../admin/client/http.ts'
import type { AdminTransport } from '../admin/client/transport.ts'
import { socketName } from '../admin/socket-path.ts'
import { type ClientConfig, type Config, readClientConfig, readConfig } from '../config.ts'
import { ConfigError, DataDirLocked } from '../model/errors.ts'
import { nameStore } from '../store-name.ts'
import { version } from '../version.ts'

/** Of every command that asks the REST interface. */
export interface ServerOptions {
  readonly url?: string
  readonly tokenFile?: string
}

/**
 * Finds whom to ask: the server that the settings name; else the one that answers at the socket in the data
 * folder; else none runs here, and the store is opened for this one command.
 * @throws ConfigError, ServerUnreachable, DataDirLocked, StoreUnavailable
 */
export async function openAdmin(options: ServerOptions): Promise<AdminConnection> {
  const client = readClientConfig()
  const url = options.url ?? client.url
  if (url !== undefined) return createConnection(await openUrl(url, options, client), version)
  const config = readConfig()
  const transport = (await openSocket(config)) ?? (await openStoreHere(config))
  return createConnection(transport, version)
}

async function openUrl(
  text: string,
  { tokenFile }: ServerOptions,
  client: ClientConfig,
): Promise<AdminTransport> {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new ConfigError(`"${text}" is no URL that begins with http:// or https://`)
  }
  const url = new URL(text)
  if (url.username || url.password || url.search || url.hash) {
    throw new ConfigError('the URL of the server must have neither a name nor a "?" or "#" in it')
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new ConfigError(
      `a token is not sent to ${url.host} without TLS: everybody on the way could read it; use https://`,
    )
  }
  const token = tokenFile === undefined ? client.token : await readToken(tokenFile)
  if (token === undefined) {
    throw new ConfigError(
      `${url.href} wants a token: --token-file FILE, TAXIWAY_TOKEN_FILE or TAXIWAY_TOKEN; "taxiway account token add" makes one`,
    )
  }
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new ConfigError('the token is none: it has odd characters')
  const ca = client.caFile === undefined ? undefined : await readCa(client.caFile)
  return createHttpTransport({ url, token, ca })
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

async function readToken(file: string): Promise<string> {
  const token = (await readText(file)).trim()
  if (token === '') throw new ConfigError(`${file} is empty: it has to hold the token`)
  return token
}

async function readCa(file: string): Promise<string> {
  const pem = await readText(file)
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  throw new ConfigError(`TAXIWAY_CA_FILE names ${file}, which holds no certificate in PEM`)
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${file} cannot be read (${cause.code})`, { cause })
  })
}

async function openSocket({ dataDir, databaseUrl }: Config): Promise<AdminTransport | undefined> {
  const found = await findServer(dataDir)
  if (!found) return undefined
  if (databaseUrl !== undefined && found.store !== nameStore(databaseUrl)) {
    // It stands on another store than the one that the settings name.
    await found.transport.close()
    return undefined
  }
  if (found.version !== version) {
    console.error(
      `taxiway: this is version ${version}, and the server at ${found.transport.where} is ${found.version}: what one of them does not know yet is refused`,
    )
  }
  return found.transport
}

/** Loaded only where it is needed: the store and the routes are most of what a command loads. */
async function openStoreHere(config: Config): Promise<AdminTransport> {
  const { openLocalAdmin } = await import('./local-admin.ts')
  try {
    return await openLocalAdmin(config)
  } catch (error) {
    if (!(error instanceof DataDirLocked)) throw error
    const path = resolve(join(config.dataDir, socketName))
    throw new DataDirLocked(
      `${error.message}\nIf it is the service, do not stop it: it answers commands at ${path}, and may still be starting. If it does not within a minute, its log says why, or it is of an older version that does not. Until then: --url with a token.`,
    )
  }
}
