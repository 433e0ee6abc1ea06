import type { Generated } from 'kysely'
import type { Bigint, Timestamp } from './columns.ts'

/** Who may do what, by what proof, and what is kept for them. */
export interface AccountTables {
  accounts: {
    id: Generated<number>
    name: string
    /** null: nobody signs in with a password */
    password_hash: string | null
    role: string
    client_age_out_days: Generated<number>
    disabled_at: Timestamp | null
    /** raised when the password changes or the account is disabled: JWTs name the one they were made for */
    credentials_version: Generated<number>
    created_at: Generated<Date>
    last_seen_at: Timestamp | null
  }
  grants: {
    account_id: number
    collection_id: number
    can_read: boolean
    can_write: boolean
  }
  tokens: {
    id: Generated<Bigint>
    account_id: number
    name: string
    /** SHA-256 of the token */
    digest: Uint8Array
    /** its last four characters, to tell it by */
    hint: string
    /** null: whatever the account's role may */
    scopes: string[] | null
    created_by: string
    created_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | null
    last_used_at: Timestamp | null
  }
  account_certificates: {
    id: Generated<number>
    account_id: number
    /** one of both */
    fingerprint: string | null
    subject: string | null
    created_by: string
    created_at: Timestamp
  }
  /** whence an account has proved itself with its password */
  account_addresses: {
    account_id: number
    address: string
    last_used_at: Timestamp
  }
  idempotency_keys: {
    caller: string
    key: string
    /** of method, path and body */
    request: Uint8Array
    status: number
    /** the answer, sealed: it may hold a token that is shown once */
    sealed: Uint8Array
    created_at: Timestamp
  }
  /** what must be kept and read again, sealed: security/envelope.ts */
  secrets: {
    name: string
    sealed: Uint8Array
    changed_at: Timestamp
  }
  secret_key: {
    singleton: Generated<boolean>
    /** names the key that new secrets are sealed under; not derived in a way that tells of it */
    key_id: string
    changed_at: Timestamp
  }
}
