import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { BearerRefused, getCaller, taxiiHook } from '../http/who-is-asking.ts'
import type { Identify } from '../model/account.ts'
import { type XmlElement, XmlError } from '../xml/read.ts'
import { bindingToAnswerIn, type MessageBinding } from './binding.ts'
import { listCollections } from './collections.ts'
import { type DiscoveryParts, discover } from './discovery.ts'
import type { Feed } from './feed.ts'
import {
  allowedMethods,
  checkContentEncoding,
  checkRequestHeaders,
  isSmallXml,
  optionsHeaders,
  readsPastTheEnd,
  responseHeaders,
  xmlContentType,
} from './headers.ts'
import { type Inbox, mostObservables, receiveInbox } from './inbox.ts'
import { countAnswer } from './inbox-figures.ts'
import { isInboxContainer, readInboxMessage } from './inbox-message.ts'
import { type Incoming, MessageTooLarge, readIncoming } from './incoming.ts'
import { createLedger, settleSoon } from './ledger.ts'
import type { PollResponse, RequestMessage, ResponseMessage, StatusMessage } from './messages.ts'
import { findMessageId } from './parse.ts'
import { paths } from './paths.ts'
import { poll } from './poll.ts'
import { pollResponseStream } from './poll-stream.ts'
import { pollerOf } from './poller.ts'
import { publicAddressOf } from './public-address.ts'
import { badMessage, denied, failure, methodNotAllowed } from './refusal.ts'
import { fulfil } from './result-set.ts'
import { followSending, type Sending } from './sending.ts'
import { errorToStatus } from './status.ts'
import { manageSubscriptions } from './subscriptions.ts'
import { createUnderWay } from './under-way.ts'

export interface TaxiiOptions {
  readonly feed: Feed
  /** absent: no inbox service is offered */
  readonly inbox?: Inbox | undefined
  readonly identify: Identify
  /** what clients call this server, e.g. `https://feeds.example.org`; absent: what they called */
  readonly publicUrl?: string | undefined
  /** of a message that is no Inbox_Message */
  readonly maxTreeBytes?: number | undefined
  readonly log: TaxiiLog
}

export interface TaxiiLog {
  info(details: object, message: string): void
  error(details: object, message: string): void
}

/** TAXII 1.1 and 1.0 over HTTP. What it registers stays within a scope of its own. */
export async function taxiiRoutes(app: FastifyInstance, options: TaxiiOptions): Promise<void> {
  await app.register((scope) => addRoutes(scope, options))
}

async function addRoutes(app: FastifyInstance, options: TaxiiOptions): Promise<void> {
  const { feed, inbox, log } = options
  const whoIsAsking = taxiiHook(app, options.identify)
  const addressOf = (request: FastifyRequest) => publicAddressOf(request, options.publicUrl)
  // Kept until the message is read, whose id the answer names.
  const refused = new WeakMap<FastifyRequest, BearerRefused>()
  const bindings = new WeakMap<FastifyRequest, MessageBinding>()
  const { maxTreeBytes = 1_048_576 } = options
  // Who announces more than any message may have is not waited for.
  const mostBytes = Math.max(maxTreeBytes, inbox?.settings.maxBytes ?? 0)
  const underWay = createUnderWay({ bytes: 2 * mostBytes, observables: 2 * mostObservables })
  const ledger = createLedger((outcomes) => feed.completePolls(outcomes), log)
  // By then every response has ended, or its connection was cut.
  app.addHook('onClose', () => settleSoon(ledger))

  app.removeAllContentTypeParsers()
  // Read by the handler: what a message is decides how much of it is taken, and whether it is kept whole.
  app.addContentTypeParser(xmlContentType, (_request, body, done) => done(null, body))

  app.setErrorHandler((error, request, reply) => sendError(error, request, reply))

  for (const url of paths) {
    app.route({
      method: 'POST',
      url,
      onRequest: async (request, reply) => {
        try {
          await whoIsAsking(request, reply)
        } catch (error) {
          if (!(error instanceof BearerRefused) || !isSmallXml(request.headers)) throw error
          refused.set(request, error)
        }
      },
      handler: answerPost,
    })
    app.route({
      method: 'OPTIONS',
      url,
      handler: (request, reply) =>
        reply
          .headers(optionsHeaders(addressOf(request).scheme))
          .code(200)
          .send(),
    })
    app.route({
      method: ['GET', 'PUT', 'PATCH', 'DELETE'],
      url,
      // Before a body is read, which may be of any type.
      onRequest: async (_request, reply) => {
        reply.header('Allow', allowedMethods)
        throw methodNotAllowed()
      },
      handler: () => undefined,
    })
  }

  async function answerPost(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    let root: XmlElement | undefined
    const { caller } = request
    const message = caller && underWay.begin(caller.account.id)
    try {
      if (!(request.body instanceof Readable)) throw badMessage('the request has no body')
      checkContentEncoding(request.headers)
      if (Number(request.headers['content-length']) > mostBytes)
        throw new MessageTooLarge(mostBytes)
      const incoming = await readIncoming(unbroken(request.body), {
        maxTreeBytes,
        isContainer: isInboxContainer,
        maxBytesOf: ({ name }) =>
          (name === 'Inbox_Message' && inbox?.settings.maxBytes) || maxTreeBytes,
        onBytes: (count) => message?.addBytes(count),
      })
      root = incoming.root
      const binding = bindingOf(request, root)
      bindings.set(request, binding)
      const refusal = refused.get(request)
      if (refusal) throw refusal
      checkRequestHeaders(request.headers, addressOf(request).scheme, binding)
      if (isInboxMessage(root, binding)) {
        const onObservables = (count: number) => message?.addObservables(count)
        const status = await countAnswer(
          inbox?.figures,
          () => answerInbox(request, incoming, binding, onObservables),
          (error) => error === request.raw.errored,
        )
        return send(reply, request, status)
      }
      const asked = binding.toMessage(await incoming.readTree())
      return send(reply, request, await answer(asked, request))
    } catch (error) {
      if (error === request.raw.errored) return leave(request, reply)
      if (error instanceof XmlError) root ??= error.root
      if (root) bindings.set(request, bindingOf(request, root))
      return sendError(refused.get(request) ?? error, request, reply, root && findMessageId(root))
    } finally {
      message?.end()
    }
  }

  async function answer(
    message: RequestMessage,
    request: FastifyRequest,
  ): Promise<ResponseMessage> {
    const { account, permissions } = getCaller(request)
    const mayRead = permissions.has('feed:read')
    switch (message.type) {
      case 'Discovery_Request':
        return discover(message, partsOf(request))
      case 'Collection_Information_Request':
        return listCollections(message, partsOf(request))
      case 'Poll_Request':
        if (!mayRead) throw mayNotRead()
        return poll(feed, pollerOf(account, request), message, ledger)
      case 'Poll_Fulfillment':
        if (!mayRead) throw mayNotRead()
        return fulfil(
          feed,
          pollerOf(account, request),
          message,
          readsPastTheEnd(request.headers),
          ledger,
        )
      case 'Inbox_Message':
        throw failure('this server offers no inbox service')
      case 'Subscription_Management_Request':
        if (!mayRead) throw mayNotRead()
        return manageSubscriptions(feed, account, message, addressOf(request))
    }
  }

  function partsOf(request: FastifyRequest): DiscoveryParts {
    const { account, permissions } = getCaller(request)
    return { feed, account, permissions, address: addressOf(request) }
  }

  async function answerInbox(
    request: FastifyRequest,
    { root, parts }: Incoming,
    binding: MessageBinding,
    onObservables: (count: number) => void,
  ): Promise<StatusMessage> {
    const { account, permissions } = getCaller(request)
    if (!permissions.has('feed:write')) throw mayNotWrite()
    if (!inbox) throw failure('this server offers no inbox service')
    const messageId = binding.getMessageId(root)
    const reading = await readInboxMessage(root, parts, binding.inbox, binding.toContentBinding)
    const status = await receiveInbox(
      inbox,
      {
        account,
        messageId,
        declarations: root.declares ?? {},
        namesDestinations: binding.version !== '1.0',
        receivedAt: new Date(),
        onObservables,
      },
      reading,
    )
    const details = { requestId: request.id, account: account.name, messageId }
    log.info(details, `took an Inbox_Message in: ${status.message}`)
    return status
  }

  function sendError(
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    inResponseTo = '0',
  ): FastifyReply {
    const { status, httpStatus, unexpected } = errorToStatus(error, inResponseTo)
    // A device never says why it gets nothing, and at HTTP 200 the access log does not either.
    const details = {
      requestId: request.id,
      address: request.ip,
      account: request.caller?.account.name,
      statusType: status.statusType,
      details: status.details,
    }
    if (unexpected) log.error({ ...details, err: error }, 'a TAXII request failed')
    else log.info(details, `refused a TAXII request: ${status.message}`)
    return send(reply.code(httpStatus), request, status)
  }

  /** Its client went away, or was too slow, before the message was whole: nobody is left to be answered. */
  function leave(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const details = {
      requestId: request.id,
      address: request.ip,
      account: request.caller?.account.name,
    }
    log.info(details, 'the connection of a TAXII request ended before its message was whole')
    return reply.hijack()
  }

  function send(
    reply: FastifyReply,
    request: FastifyRequest,
    message: ResponseMessage,
  ): FastifyReply {
    const binding = bindings.get(request) ?? bindingOf(request, undefined)
    reply.headers(responseHeaders(addressOf(request).scheme, binding))
    if (message.type !== 'Poll_Response') return reply.send(Buffer.from(binding.render(message)))
    const stream = pollResponseStream(message, binding, follow(reply, message))
    stream.once('error', (error) => {
      log.error({ err: error, requestId: request.id }, 'a Poll_Response was broken off')
    })
    return reply.send(stream)
  }

  function follow(reply: FastifyReply, { entry }: PollResponse): Sending | undefined {
    if (!entry) return undefined
    const { pollId, beganMs } = entry
    return followSending(reply.raw, (sent) => {
      ledger.complete({ pollId, durationMs: performance.now() - beganMs, ...sent })
    })
  }
}

/** Left alone when reading ends early: the answer still goes out on its connection. */
function unbroken(body: Readable): AsyncIterable<Uint8Array> {
  return body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
}

function isInboxMessage(root: XmlElement, { namespace }: MessageBinding): boolean {
  return root.name === 'Inbox_Message' && root.namespace === namespace
}

function bindingOf({ headers }: FastifyRequest, root: XmlElement | undefined): MessageBinding {
  return bindingToAnswerIn(root?.namespace, headers['x-taxii-content-type']?.toString())
}

const mayNotWrite = () =>
  denied('this token does not reach so far: sending needs the scope feed:write')

const mayNotRead = () =>
  denied('this token does not reach so far: polling needs the scope feed:read')
