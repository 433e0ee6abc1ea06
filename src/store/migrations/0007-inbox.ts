import { type Kysely, sql } from 'kysely'

const statements = [
  `alter table collections
    add column type text not null default 'data-feed' check (type in ('data-feed', 'data-set')),
    add column inbox boolean not null default false`,
  // What was sent by an Inbox_Message goes to the collections that it named, and to no other by itself.
  `alter table reports add column sent_to text[] not null default '{}'`,

  // Never deleted with their poll: a client asks for the status of what it has ended.
  `create table subscriptions (
    id text primary key,
    account_id integer not null references accounts on delete cascade,
    collection_id integer not null references collections on delete cascade,
    status text not null check (status in ('ACTIVE', 'PAUSED', 'UNSUBSCRIBED')),
    response_type text not null check (response_type in ('FULL', 'COUNT_ONLY')),
    -- those that the client named and the collection had; empty: any
    content_bindings text[] not null,
    created_at timestamptz not null,
    changed_at timestamptz not null
  )`,
  'create index subscriptions_account on subscriptions (account_id, collection_id)',
  // The same asked for twice is one subscription.
  `create unique index subscriptions_same on subscriptions
    (account_id, collection_id, response_type, content_bindings) where status <> 'UNSUBSCRIBED'`,
  'alter table result_sets add column subscription_id text',

  // A block is known again by what it holds, whatever message brought it.
  `create table inbox_blocks (
    id bigint generated always as identity primary key,
    account_id integer not null references accounts on delete cascade,
    digest bytea not null,
    message_id text not null,
    content_binding text not null,
    bytes bigint not null,
    sent_to text[] not null,
    received_at timestamptz not null,
    outcome text not null check (outcome in ('taken-in', 'partly', 'not-understood', 'outdated')),
    detail text not null,
    package_id text,
    -- how many of the package's observables became assertions, and how many things in it did not
    observables integer not null,
    not_understood integer not null,
    -- of what nothing was understood: its elements, as gzip
    content bytea,
    unique (account_id, digest)
  )`,
  'create index inbox_blocks_kept on inbox_blocks (account_id) where content is not null',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
