export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** with the query, such as /api/v1/accounts?limit=500 */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** as JSON */
  readonly body?: string
}

export interface AdminAnswer {
  readonly status: number
  /** names in lower case */
  readonly headers: Readonly<Record<string, string | readonly string[] | number | undefined>>
  readonly text: string
}

/** A way to the REST interface: through a socket, over the network, or within this process. */
export interface AdminTransport {
  /** for messages: what is asked, such as https://taxii.example.com */
  readonly where: string
  /** whether another process answers, which goes on when this one ends */
  readonly isServer: boolean
  /** @throws ServerUnreachable */
  send(request: AdminRequest): Promise<AdminAnswer>
  /** Where no other process answers: resolves when the feeds follow what was changed, or cannot. */
  readonly settle?: () => Promise<void>
  close(): Promise<void>
}
