/** What a client may take of the server. docs/security.md says against whom each is. */
export interface ConnectionLimits {
  readonly maxConnections: number
  /** of one network, as `clientNetwork` counts them; proxies that are trusted have no such limit */
  readonly maxConnectionsPerAddress: number
  /** requests that wait on one connection for the answer to the one before them */
  readonly maxPipelinedRequests: number
  /** from the connection, or the first byte of a later request, to the end of its head */
  readonly headSeconds: number
  /** the same to the end of its body */
  readonly requestSeconds: number
  /** how long a client may take nothing of what waits for it */
  readonly sendSeconds: number
  /** how long a connection stays open between requests */
  readonly idleSeconds: number
}

export const defaultLimits: ConnectionLimits = {
  maxConnections: 2_000,
  maxConnectionsPerAddress: 200,
  maxPipelinedRequests: 64,
  headSeconds: 20,
  requestSeconds: 300,
  sendSeconds: 120,
  idleSeconds: 75,
}
