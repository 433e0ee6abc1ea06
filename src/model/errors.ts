/** An error that an operator or a client can act on; `code` is stable and documented in docs/errors.md. */
export class TaxiwayError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The settings or a file given to a command are wrong; the message names the place and the way out. */
export class ConfigError extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('CONFIG_INVALID', message, options)
  }
}

export class CollectionNotFound extends TaxiwayError {
  readonly collection: string
  constructor(collection: string) {
    super('COLLECTION_NOT_FOUND', `there is no collection "${collection}"`)
    this.collection = collection
  }
}

/** A value that was given is that of no indicator in the store. */
export class IndicatorNotFound extends TaxiwayError {
  constructor(message: string) {
    super('INDICATOR_NOT_FOUND', message)
  }
}

export class WarninglistNotFound extends TaxiwayError {
  constructor(name: string) {
    super('WARNINGLIST_NOT_FOUND', `there is no warninglist "${name}"`)
  }
}

/** The settings of collections are stored, and what they publish could not be brought in line. */
export class FeedsBehind extends TaxiwayError {
  constructor(collections: readonly string[]) {
    super(
      'FEEDS_BEHIND',
      `the settings are stored, and the feeds do not follow them yet: ${collections.join(', ')}. The error before this says why. Mend that and give the same command again, or start the service: its sweep tries again within a minute`,
    )
  }
}

export class CollectionEmpty extends TaxiwayError {
  constructor(collection: string) {
    super('COLLECTION_EMPTY', `the collection "${collection}" has no block now`)
  }
}

export class SourceNotFound extends TaxiwayError {
  /** @param known names of those that there are */
  constructor(source: string, known: readonly string[]) {
    const others = known.length > 0 ? `, only ${known.join(', ')}` : '; none has been walked yet'
    super('SOURCE_NOT_FOUND', `there is no source "${source}"${others}`)
  }
}

/** A content block of an Inbox_Message. */
export class InboxBlockNotFound extends TaxiwayError {
  /** @param isListed it is there, and its content is not, or not for whoever asks */
  constructor(id: number, isListed = false) {
    super(
      'INBOX_BLOCK_NOT_FOUND',
      isListed
        ? `the content of block ${id} is not kept, or not for this account`
        : `there is no block ${id} in the inbox`,
    )
  }
}

/** What is to be recalled, or the recall that is to be undone, is not there. */
export class RecallRefused extends TaxiwayError {
  constructor(message: string) {
    super('RECALL_REFUSED', message)
  }
}

/** What is to be overridden cannot be, or the request lacks why or until when. */
export class OverrideRefused extends TaxiwayError {
  constructor(message: string) {
    super('OVERRIDE_REFUSED', message)
  }
}

/** How to judge stands in the store in a way that this version cannot follow. */
export class JudgingUnreadable extends TaxiwayError {
  constructor(message: string) {
    super('JUDGING_UNREADABLE', message)
  }
}

/** A search took longer than it may; the message says how to narrow it. */
export class SearchTooBroad extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('SEARCH_TOO_BROAD', message, options)
  }
}

/** The database cannot be reached or refused the connection. */
export class StoreUnavailable extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('STORE_UNAVAILABLE', message, options)
  }
}

/** A newer version has brought the store's schema further than this one knows it. */
export class StoreNewer extends TaxiwayError {
  /** @param migrations names of those that this version does not know */
  constructor(migrations: readonly string[]) {
    super(
      'STORE_NEWER',
      `a newer version of Taxiway has changed the store's schema (${migrations.join(', ')}), and this one does not know it. Run the newer version, or restore the backup from before the upgrade`,
    )
  }
}

/** Another process holds the embedded database's folder. */
export class DataDirLocked extends TaxiwayError {
  constructor(message: string) {
    super('DATA_DIR_LOCKED', message)
  }
}

/** Work that one process at a time does is another's now, or may be; what was under way must not be written. */
export class LeaseLost extends TaxiwayError {
  readonly lease: string
  constructor(lease: string, why: string, options?: ErrorOptions) {
    super('LEASE_LOST', `the lease "${lease}" is lost: ${why}`, options)
    this.lease = lease
  }
}

/** Too many wrong proofs came from this address for this name, or in all; nothing was checked. */
export class TooManyGuesses extends TaxiwayError {
  readonly retryAfterSeconds: number
  constructor(retryAfterSeconds: number) {
    super('TOO_MANY_GUESSES', `too many wrong credentials; try again in ${retryAfterSeconds} s`)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export class AccountNotFound extends TaxiwayError {
  constructor(name: string) {
    super('ACCOUNT_NOT_FOUND', `there is no account "${name}"`)
  }
}

export class AccountExists extends TaxiwayError {
  constructor(name: string) {
    super('ACCOUNT_EXISTS', `there is an account "${name}" already`)
  }
}

/** The change would leave nobody who can let others in. */
export class LastAdministrator extends TaxiwayError {
  constructor(name: string) {
    super(
      'LAST_ADMINISTRATOR',
      `"${name}" is the last administrator who is not disabled and has to stay one: make another first`,
    )
  }
}

export class GrantNotFound extends TaxiwayError {
  constructor(account: string, collection: string) {
    super('GRANT_NOT_FOUND', `"${account}" has no grant for the collection "${collection}"`)
  }
}

export class TokenNotFound extends TaxiwayError {
  constructor(account: string, id: number) {
    super('TOKEN_NOT_FOUND', `"${account}" has no token ${id} that still counts`)
  }
}

export class CertificateNotFound extends TaxiwayError {
  constructor(account: string, id: number) {
    super('CERTIFICATE_NOT_FOUND', `"${account}" has no certificate ${id}`)
  }
}

export class CertificateExists extends TaxiwayError {
  constructor(what: string) {
    super('CERTIFICATE_EXISTS', `${what} stands for an account already`)
  }
}

/** What was sealed cannot be opened, or the store's secrets are sealed under another key than the one given. */
export class SecretKeyWrong extends TaxiwayError {
  constructor(message: string, options?: ErrorOptions) {
    super('SECRET_KEY_WRONG', message, options)
  }
}

/** An upstream did not answer as its documentation says. */
export class UpstreamError extends TaxiwayError {
  /** whether the same request may succeed later */
  readonly retryable: boolean
  constructor(code: string, message: string, retryable: boolean, options?: ErrorOptions) {
    super(code, message, options)
    this.retryable = retryable
  }
}
