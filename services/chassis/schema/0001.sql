-- What every service stands on: the journal and what leaves it, keys of commands, promises, audit, keys of persons.

create table clock (
    only_row boolean primary key default true check (only_row),
    ahead interval not null default interval '0'
);
insert into clock default values;

-- The house's clock: the database's own, wound forward for demonstrations and tests only.
create function house_now() returns timestamptz language sql volatile as
    $$ select clock_timestamp() + ahead from clock $$;

create sequence journal_position;

create table journal (
    position bigint primary key,
    event_id uuid not null unique,
    topic text,
    key text,
    sequence bigint,
    aggregate_type text not null,
    aggregate_id uuid not null,
    version bigint not null,
    person_id uuid,
    case_id uuid,
    fact_type text not null,
    fact bytea,
    headers bytea,
    message bytea,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    actor_role text not null,
    actor_ref text not null,
    correlation_id uuid not null,
    causation_id uuid,
    traceparent text not null default '',
    check ((topic is null) = (message is null) and (topic is null) = (sequence is null))
);
create unique index journal_stream on journal (topic, key, sequence) where topic is not null;
create index journal_topic on journal (topic, position) where topic is not null;
create index journal_aggregate on journal (aggregate_id, version);

create function insert_only() returns trigger language plpgsql as
    $$ begin raise exception '% only grows: neither change nor remove its rows', tg_table_name; end $$;
create trigger journal_insert_only before update or delete or truncate on journal
    for each statement execute function insert_only();

create table stream_head (
    topic text not null,
    key text not null,
    seq bigint not null,
    primary key (topic, key)
) with (fillfactor = 80);

create table pending (
    position bigint primary key,
    shard integer not null,
    stub boolean not null default false
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

create table received (
    key uuid primary key,
    fingerprint bytea not null,
    command text not null,
    answer jsonb,
    kept_until timestamptz not null
);
create index received_kept_until on received (kept_until);

create table promises (
    id uuid primary key,
    aggregate_type text not null,
    aggregate_id uuid not null,
    code text not null,
    due_at timestamptz not null,
    made_at timestamptz not null,
    kept_at timestamptz,
    missed_at timestamptz,
    detail jsonb not null default '{}'
);
create unique index promises_open on promises (aggregate_id, code) where kept_at is null and missed_at is null;
create index promises_due on promises (due_at) where kept_at is null and missed_at is null;

create table audit (
    id uuid primary key,
    at timestamptz not null,
    actor_ref text not null,
    actor_role text not null,
    organisation text not null,
    purpose text not null,
    action text not null,
    record text not null,
    outcome text not null,
    correlation_id uuid not null
);
create index audit_at on audit (at);
create index audit_record on audit (record, at);
create trigger audit_insert_only before update or delete or truncate on audit
    for each statement execute function insert_only();

create schema keys;
create table keys.person_key (
    person_id uuid primary key,
    wrapped bytea not null,
    made_at timestamptz not null
);
