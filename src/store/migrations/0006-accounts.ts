import { type Kysely, sql } from 'kysely'

const statements = [
  // Someone who signs in with a token or a certificate alone has no password.
  'alter table accounts alter column password_hash drop not null',
  `alter table accounts
    add column disabled_at timestamptz,
    add column credentials_version integer not null default 1,
    add column created_at timestamptz not null default now(),
    add column last_seen_at timestamptz`,
  `alter table accounts add constraint accounts_role
    check (role in ('reader', 'curator', 'responder', 'administrator'))`,

  // Without the token itself: a stolen backup lets nobody in.
  `create table tokens (
    id bigint generated always as identity primary key,
    account_id integer not null references accounts on delete cascade,
    name text not null,
    digest bytea not null unique,
    hint text not null,
    scopes text[],
    created_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz
  )`,
  'create index tokens_account on tokens (account_id)',

  `create table account_certificates (
    id integer generated always as identity primary key,
    account_id integer not null references accounts on delete cascade,
    fingerprint text unique,
    subject text unique,
    created_by text not null,
    created_at timestamptz not null,
    check (num_nonnulls(fingerprint, subject) = 1)
  )`,
  'create index account_certificates_account on account_certificates (account_id)',

  // Whence an account has proved itself: from there it is let in also while strangers guess.
  `create table account_addresses (
    account_id integer not null references accounts on delete cascade,
    address text not null,
    last_used_at timestamptz not null,
    primary key (account_id, address)
  )`,

  `create table secrets (
    name text primary key,
    sealed bytea not null,
    changed_at timestamptz not null
  )`,
  `create table idempotency_keys (
    caller text not null,
    key text not null,
    request bytea not null,
    status integer not null,
    sealed bytea not null,
    created_at timestamptz not null,
    primary key (caller, key)
  )`,
  'create index idempotency_keys_created_at on idempotency_keys (created_at)',
  // So that a process that was given another key says so, and does not seal under two.
  `create table secret_key (
    singleton boolean primary key default true check (singleton),
    key_id text not null,
    changed_at timestamptz not null
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
