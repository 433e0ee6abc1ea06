export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface BasicAuthorization {
  /** the value of the Authorization header */
  readonly header: string
  readonly encoding: 'latin1' | 'utf8'
}

/**
 * Python's requests, which cabby and the appliance use, encodes names and passwords as Latin-1, and fails
 * where that cannot hold a character. UTF-8 is sent then, as RFC 7617 prefers.
 */
export function basicAuthorization({ username, password }: Credentials): BasicAuthorization {
  const pair = `${username}:${password}`
  const encoding = /^[\0-\xff]*$/.test(pair) ? 'latin1' : 'utf8'
  return { header: `Basic ${Buffer.from(pair, encoding).toString('base64')}`, encoding }
}
